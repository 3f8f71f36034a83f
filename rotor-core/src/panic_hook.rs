//! Where a panic was: a hook that a program may install.

use std::cell::RefCell;
use std::panic::{PanicHookInfo, set_hook, take_hook};

use crate::here::{HERE, text_of};

/// Text and place of a panic.
struct Note {
    text: Box<str>,
    location: Box<str>,
}

thread_local! {
    /// The last panic of this thread that has not been asked for.
    static NOTE: RefCell<Option<Note>> = const { RefCell::new(None) };
}

/// Makes exits tell where a panic was: see [`Incident::location`](crate::Incident::location).
///
/// Only a panic hook is told that, and a program has one for all its threads; so it is for the
/// program to install this one, which then calls the hook that was there before. Call it once,
/// before anything starts, after installing a hook of its own.
///
/// # Panics
/// On a thread that is panicking.
///
/// # Examples
/// ```
/// use rotor_core::{sim::Sim, *};
/// use std::sync::{Arc, Mutex};
/// struct Bad;
/// impl Actor for Bad {
///     fn start(&mut self, _: &mut Context<Self>) -> Result {
///         panic!("not my day");
///     }
/// }
/// # fn main() -> Result<(), StartError> {
/// std::panic::set_hook(Box::new(|_| {})); // the program's own: silence
/// install_panic_hook();
/// let mut sim = Sim::new(1);
/// sim.locality("here");
/// let app = sim.start(Supervisor::one_for_one("app").child(Child::new("bad", || Bad)))?;
/// sim.run_until_idle();
/// let exit = app.wait().expect("its loop has ended");
/// let incident = exit.root_cause().incident().expect("the hook has noted it");
/// assert!(incident.location.as_ref().is_some_and(|at| at.contains(".rs:")));
/// # Ok(())
/// # }
/// ```
pub fn install_panic_hook() {
    let before = take_hook();
    set_hook(Box::new(move |info| {
        note(info);
        before(info);
    }));
}

fn note(info: &PanicHookInfo<'_>) {
    // Elsewhere nobody asks for it.
    let ours = HERE.with(|here| !here.pinned.get().is_null());
    if let (true, Some(text), Some(location)) = (ours, text_of(info.payload()), info.location()) {
        let note = Note {
            text: text.into(),
            location: location.to_string().into(),
        };
        // Not while the thread's own variables are dropped.
        let _ = NOTE.try_with(|last| last.replace(Some(note)));
    }
}

/// Where the panic with this text was, if the hook has noted that. A note of another panic, which was
/// caught by the program itself, is thrown away.
pub(crate) fn take(text: &str) -> Option<Box<str>> {
    let note = NOTE.try_with(RefCell::take).ok().flatten()?;
    (*note.text == *text).then_some(note.location)
}
