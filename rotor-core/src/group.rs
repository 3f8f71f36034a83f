//! Groups: actors that join and leave, and are sent to together.

use std::future::Future;
use std::time::Duration;

use crate::actor::{Actor, Handler};
use crate::address::{Addr, Address};
use crate::context::Context;
use crate::fixed_map::FixedMap;
use crate::message::Request;
use crate::monitor::Down;
use crate::recipient::Recipient;
use crate::request::{Ask, Asking, RequestError};
use crate::things::Key;

/// Keeps who has joined it, and passes on what is sent to all of them, or to one.
///
/// An actor like any other: it has a place in the tree, a name if it is to be found, and an address,
/// whose methods are what one does with a group. Members may be anywhere. One leaves when its
/// instance ends, also if another follows, which joins anew: best in its start. What is sent through
/// the group and what changes it has one order, that of its queue. A group that is restarted is
/// empty, so restart its members with it.
///
/// Each change is published to the group's own address, as [`Membership`].
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// #[derive(Clone)]
/// struct Refresh;
/// struct View { refreshed: u32 }
/// const VIEWS: Name<Group<Refresh>> = Name::new("views");
/// impl Actor for View {
///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
///         cx.find(VIEWS, |_, views, cx| views.join(cx.addr().to()));
///         Ok(())
///     }
/// }
/// impl Handler<Refresh> for View {
///     fn handle(&mut self, _: Refresh, _: &mut Context<Self>) { self.refreshed += 1 }
/// }
/// # let mut sim = Sim::new(1);
/// # let here = sim.locality("here");
/// # let (one, two, views) = (here.reserve(), here.reserve(), here.reserve());
/// let view = |name| Child::new(name, || View { refreshed: 0 });
/// sim.start(Supervisor::rest_for_one("app")
///     .child(Child::new("views", Group::new).named(VIEWS).at(views))
///     .child(view("one").at(one))
///     .child(view("two").at(two)))?;
/// sim.run_until_idle();
/// views.send_all(Refresh);
/// sim.run_until_idle();
/// assert_eq!(sim.with(one, |view| view.refreshed), Some(1));
/// assert_eq!(sim.with(two, |view| view.refreshed), Some(1));
/// # Ok::<_, StartError>(())
/// ```
pub struct Group<M> {
    members: Vec<Member<M>>,
    /// Their places in `members`.
    places: FixedMap<Address, usize>,
    choose: Choose<M>,
}

/// Says which of so many members gets a message.
type Choose<M> = Box<dyn FnMut(&M, usize) -> usize>;

struct Member<M> {
    recipient: Recipient<M>,
    /// What tells of its end.
    monitor: Key,
}

/// Who has joined a [`Group`], or left it: published to the group's own address.
///
/// A start that subscribes, and then asks for the [members](Addr::members), misses nobody.
///
/// ```
/// use rotor_core::*;
/// struct Lamp { group: Addr<Group<String>>, members: u32 }
/// impl Actor for Lamp {
///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
///         cx.subscribe(self.group.address().topic::<Membership>());
///         Ok(())
///     }
/// }
/// impl Handler<Membership> for Lamp {
///     fn handle(&mut self, change: Membership, _: &mut Context<Self>) {
///         match change {
///             Membership::Joined(_) => self.members += 1,
///             Membership::Left(_) => self.members -= 1,
///         }
///     }
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership {
    /// It was no member before.
    Joined(Address),
    /// By its own word, or because its instance has ended.
    Left(Address),
}

impl<M: Send + 'static> Group<M> {
    /// Makes a group without members that sends to one after the other, in turn.
    ///
    /// ```
    /// # use rotor_core::*;
    /// let crew = Child::new("crew", Group::<String>::new);
    /// # let _ = Supervisor::one_for_one("app").child(crew);
    /// ```
    #[expect(clippy::new_without_default, reason = "a factory, and no value")]
    pub fn new() -> Self {
        let mut turn = 0;
        Self::choosing(move |_, members| {
            turn = (turn + 1) % members;
            turn
        })
    }

    /// Makes a group that asks `choose` which of so many members is sent a message, if it goes to
    /// one: a number from 0 on; of a larger one the remainder counts. There is at least one.
    ///
    /// All about a key goes to one member, as long as nobody joins or leaves:
    /// ```
    /// # use rotor_core::*;
    /// struct Order { customer: usize }
    /// let crew = Child::new("crew", || Group::choosing(|order: &Order, _| order.customer));
    /// # let _ = Supervisor::one_for_one("app").child(crew);
    /// ```
    pub fn choosing(choose: impl FnMut(&M, usize) -> usize + 'static) -> Self {
        Group {
            members: Vec::new(),
            places: FixedMap::default(),
            choose: Box::new(choose),
        }
    }

    /// The last member takes the place of one that leaves.
    fn remove(&mut self, who: Address, cx: &mut Context<Self>) {
        let Some(at) = self.places.remove(&who) else {
            return;
        };
        let left = self.members.swap_remove(at);
        if let Some(moved) = self.members.get(at) {
            self.places.insert(moved.recipient.address(), at);
        }
        cx.cancel(left.monitor);
        self.tell(Membership::Left(who), cx);
    }

    fn tell(&self, change: Membership, cx: &mut Context<Self>) {
        let group = cx.addr().address();
        if cx.here().is_heard::<Membership>(group) {
            group.topic().publish(change);
        }
    }
}

impl<M: Send + 'static> Actor for Group<M> {}

struct Join<M>(Recipient<M>);
struct Leave(Address);
struct ToAll<M>(M);
struct ToOne<M>(M);

impl<M: Send + 'static> Handler<Join<M>> for Group<M> {
    fn handle(&mut self, Join(recipient): Join<M>, cx: &mut Context<Self>) {
        let who = recipient.address();
        let monitor = cx.monitor(who);
        let member = Member { recipient, monitor };
        // The end of its last instance may not have been told yet: then nobody wants to know.
        if let Some(&at) = self.places.get(&who) {
            let old = std::mem::replace(&mut self.members[at], member);
            cx.cancel(old.monitor);
            return;
        }
        self.places.insert(who, self.members.len());
        self.members.push(member);
        self.tell(Membership::Joined(who), cx);
    }
}

impl<M: Send + 'static> Handler<Leave> for Group<M> {
    fn handle(&mut self, Leave(member): Leave, cx: &mut Context<Self>) {
        self.remove(member, cx);
    }
}

impl<M: Send + 'static> Handler<Down> for Group<M> {
    fn handle(&mut self, down: Down, cx: &mut Context<Self>) {
        self.remove(down.who, cx);
    }
}

impl<M: Clone + Send + 'static> Handler<ToAll<M>> for Group<M> {
    fn handle(&mut self, ToAll(message): ToAll<M>, cx: &mut Context<Self>) {
        let Some((last, others)) = self.members.split_last() else {
            return cx.here().unheard(cx.addr().address(), message);
        };
        for member in others {
            member.recipient.send(message.clone());
        }
        last.recipient.send(message);
        cx.here().charge(others.len() as u32);
    }
}

impl<M: Send + 'static> Handler<ToOne<M>> for Group<M> {
    fn handle(&mut self, ToOne(message): ToOne<M>, cx: &mut Context<Self>) {
        if self.members.is_empty() {
            return cx.here().unheard(cx.addr().address(), message);
        }
        let at = (self.choose)(&message, self.members.len()) % self.members.len();
        self.members[at].recipient.send(message);
    }
}

/// All members of a group of a type.
struct List<M>(std::marker::PhantomData<fn(M)>);

impl<M: 'static> Request for List<M> {
    type Reply = Vec<Recipient<M>>;
}

impl<M: Send + 'static> Handler<Ask<List<M>>> for Group<M> {
    fn handle(&mut self, ask: Ask<List<M>>, _: &mut Context<Self>) {
        ask.reply(self.members.iter().map(|member| member.recipient).collect());
    }
}

/// What one does with a [`Group`].
impl<M: Send + 'static> Addr<Group<M>> {
    /// Adds a member: that of this address, once.
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Reporter { desk: Addr<Group<String>> }
    /// impl Actor for Reporter {
    ///     fn start(&mut self, cx: &mut Context<Self>) -> Result {
    ///         self.desk.join(cx.addr().to());
    ///         Ok(())
    ///     }
    /// }
    /// impl Handler<String> for Reporter {
    ///     fn handle(&mut self, news: String, _: &mut Context<Self>) { println!("{news}") }
    /// }
    /// ```
    pub fn join(self, member: Recipient<M>) {
        self.send(Join(member));
    }

    /// Takes a member out, who need not be one. What was sent to all before still comes to it.
    ///
    /// ```
    /// use rotor_core::*;
    /// struct Reporter { desk: Addr<Group<String>> }
    /// impl Actor for Reporter {}
    /// struct Holidays;
    /// impl Handler<Holidays> for Reporter {
    ///     fn handle(&mut self, _: Holidays, cx: &mut Context<Self>) {
    ///         self.desk.leave(cx.addr().address());
    ///     }
    /// }
    /// ```
    pub fn leave(self, member: Address) {
        self.send(Leave(member));
    }

    /// Sends a message to everybody who is a member when the group handles this. If nobody is, it is
    /// reported as undelivered.
    ///
    /// ```
    /// # use rotor_core::*;
    /// fn close(workers: Addr<Group<&'static str>>) {
    ///     workers.send_all("we close in five minutes");
    /// }
    /// ```
    pub fn send_all(self, message: M)
    where
        M: Clone,
    {
        self.send(ToAll(message));
    }

    /// Sends a message to the member whose turn it is, or whom the group
    /// [chooses](Group::choosing). If there is none, it is reported as undelivered.
    ///
    /// A request is passed on, to be answered by whom it comes to:
    /// ```
    /// use rotor_core::*;
    /// struct Thumbnail(String);
    /// impl Request for Thumbnail { type Reply = Vec<u8>; }
    /// struct Desk { painters: Addr<Group<Ask<Thumbnail>>> }
    /// impl Actor for Desk {}
    /// impl Handler<Ask<Thumbnail>> for Desk {
    ///     fn handle(&mut self, ask: Ask<Thumbnail>, _: &mut Context<Self>) {
    ///         self.painters.send_one(ask);
    ///     }
    /// }
    /// ```
    pub fn send_one(self, message: M) {
        self.send(ToOne(message));
    }

    /// Asks who the members are. The errors are those of any request.
    ///
    /// ```
    /// use rotor_core::{sim::Sim, *};
    /// use std::time::Duration;
    /// # let mut sim = Sim::new(1);
    /// # let crew = sim.locality("here").reserve::<Group<u32>>();
    /// # sim.start(Supervisor::one_for_one("app").child(Child::new("crew", Group::new).at(crew)))?;
    /// let probe = sim.probe();
    /// crew.join(probe.recipient());
    /// let members = sim.block_on(crew.members(Duration::from_secs(1)));
    /// assert_eq!(members.unwrap().unwrap(), [probe.recipient()]);
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn members(self, limit: Duration) -> Asking<Vec<Recipient<M>>> {
        self.ask(List(std::marker::PhantomData), limit)
    }
}

/// Groups whose members answer requests.
impl<Q: Request + Clone> Addr<Group<Ask<Q>>> {
    /// Asks every member, and gives each one's answer, with its address. Who they are is asked first;
    /// each of the two steps has the time limit.
    ///
    /// # Errors
    /// Of the group itself, as for [`members`](Self::members).
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// use std::time::Duration;
    /// #[derive(Clone)] struct Load;
    /// impl Request for Load { type Reply = u32; }
    /// async fn most(workers: Addr<Group<Ask<Load>>>) -> Option<u32> {
    ///     let answers = workers.ask_all(Load, Duration::from_secs(1)).await.ok()?;
    ///     answers.into_iter().filter_map(|(_, load)| load.ok()).max()
    /// }
    /// ```
    pub fn ask_all(
        self,
        request: Q,
        limit: Duration,
    ) -> impl Future<Output = Answers<Q::Reply>> + Send {
        let members = self.members(limit);
        async move {
            let members = members.await?;
            let asked: Vec<_> = members
                .into_iter()
                .map(|member| (member.address(), member.ask(request.clone(), limit)))
                .collect();
            let mut answers = Vec::with_capacity(asked.len());
            for (who, asking) in asked {
                answers.push((who, asking.await));
            }
            Ok(answers)
        }
    }
}

/// What the members of a group have answered.
type Answers<R> = Result<Vec<(Address, Result<R, RequestError>)>, RequestError>;
