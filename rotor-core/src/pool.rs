//! The template of a pool: what its instances are made from.

use std::any::{Any, type_name};
use std::borrow::Cow;
use std::rc::Rc;
use std::time::Duration;

use crate::actor::Actor;
use crate::backoff::Backoff;
use crate::child::{LIMIT, Maker, Spec};
use crate::context::Context;
use crate::error::Result;
use crate::strategy::Restart;

/// How a pool makes an instance of an argument, and what it does when that ends.
#[derive(Clone)]
pub(crate) struct Template {
    /// A [`Make`], with its types forgotten.
    make: Rc<dyn Any>,
    /// The names of the types of its actor and argument.
    pub(crate) makes: (&'static str, &'static str),
    pub(crate) restart: Restart,
    pub(crate) backoff: Option<Backoff>,
    /// How many instances there may be.
    pub(crate) most: u32,
    /// How many there have been, in all lives of the pool.
    pub(crate) made: u64,
    pub(crate) start_limit: Option<Duration>,
    pub(crate) stop_limit: Option<Duration>,
}

/// A factory that takes an argument. It is shared by all instances, and may run while it runs.
type Make<A, T> = Rc<dyn Fn(T, &mut Context<A>) -> Result<Option<A>>>;

impl Template {
    pub(crate) fn new<A: Actor, T: 'static>(
        make: impl Fn(T, &mut Context<A>) -> Result<Option<A>> + 'static,
    ) -> Self {
        let make: Make<A, T> = Rc::new(make);
        Template {
            make: Rc::new(make),
            makes: (type_name::<A>(), type_name::<T>()),
            restart: Restart::Permanent,
            backoff: None,
            most: u32::MAX,
            made: 0,
            start_limit: Some(LIMIT),
            stop_limit: Some(LIMIT),
        }
    }

    /// The spec of an instance, if the template is for this type of actor and argument. Whoever `decides` may
    /// restart any instance.
    pub(crate) fn spec<A: Actor, T: Clone + 'static>(
        &self,
        name: Cow<'static, str>,
        argument: T,
        decides: bool,
    ) -> Option<Spec> {
        let make = self.make.downcast_ref::<Make<A, T>>()?.clone();
        // One that is not restarted has no use for a copy.
        let once = self.restart == Restart::Temporary && !decides;
        let mut argument = Some(argument);
        let maker = Maker::of(move |cx: &mut Context<A>| {
            let next = if once {
                argument.take()
            } else {
                argument.clone()
            };
            next.map_or(Ok(None), |next| make(next, cx))
        });
        let mut spec = Spec {
            name,
            restart: self.restart,
            significant: false,
            escalating: false,
            once: false,
            reserved: None,
            maker,
            extra: None,
        };
        let limits = (self.start_limit, self.stop_limit);
        if self.backoff.is_some() || limits != (Some(LIMIT), Some(LIMIT)) {
            let extra = spec.extra_mut();
            extra.backoff = self.backoff;
            (extra.start_limit, extra.stop_limit) = limits;
        }
        Some(spec)
    }
}
