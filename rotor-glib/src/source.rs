//! The one `GSource` of a context: it translates between a main loop and a driver.

#![expect(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Arc;
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use glib::translate::ToGlibPtr;
use glib::{MainContext, ffi};
use rotor_core::{Budget, Driver, Error, Exit, Turn};

use crate::ContextBusy;
use crate::bell::Bell;
use crate::io::Io;

/// Priority while nothing is left over: like events.
const EAGER: i32 = ffi::G_PRIORITY_DEFAULT;
/// Priority while a backlog lasts: below GTK's redraw (120), above idle. A time budget alone does
/// not keep a window alive: GLib serves the winning priority only, so not one frame was drawn under
/// a flood.
const BACKLOG: i32 = ffi::G_PRIORITY_HIGH_IDLE + 25;
/// A handler is on the stack, below a loop that it has opened: look again after this time.
const NESTED: Duration = Duration::from_millis(5);

/// What the source carries.
pub(crate) struct Source {
    driver: Driver,
    bell: Arc<Bell>,
    context: MainContext,
    owner: ThreadId,
    backlog: Cell<bool>,
    deadline: Cell<Option<Instant>>,
    /// A turn has begun. Until it parks nobody wakes the loop, so one that is opened inside it must
    /// dispatch the source once by itself.
    begun: Cell<bool>,
    io: Rc<Io>,
    when_done: RefCell<Option<WhenDone>>,
}

type WhenDone = Box<dyn FnOnce(Exit)>;

thread_local! {
    /// The context of the source that was finalized last. GLib locks it once more when that is done, so it
    /// must not go with its source, which somebody may have kept until then.
    static LAST: Cell<Option<MainContext>> = const { Cell::new(None) };

    /// The sources of this thread that were left to their loops.
    static KEPT: Kept = const { Kept(RefCell::new(Vec::new())) };
}

/// Sources that end with their thread, which is the only one that can turn them: a source keeps its
/// context, so nothing else would end those whose loop was left before their tree was over. They leave
/// the list when they are finalized.
struct Kept(RefCell<Vec<*mut ffi::GSource>>);

impl Drop for Kept {
    fn drop(&mut self) {
        let all = self.0.take();
        // SAFETY: what is listed is not finalized yet. Those of the list that the drop of another one
        // finalizes live until they have had their turn.
        all.iter().for_each(|&raw| unsafe {
            ffi::g_source_ref(raw);
        });
        for raw in all {
            // SAFETY: as above, and this is the owner's thread. The reference is given back once.
            unsafe {
                ffi::g_source_destroy(raw);
                ffi::g_source_unref(raw);
            }
        }
    }
}

/// The memory that GLib allocates for the source.
#[repr(C)]
struct Raw {
    base: ffi::GSource,
    /// From `Rc::into_raw`; taken back by `finalize`.
    source: *const Source,
}

static mut FUNCS: ffi::GSourceFuncs = ffi::GSourceFuncs {
    prepare: Some(prepare),
    check: Some(check),
    dispatch: Some(dispatch),
    finalize: Some(finalize),
    closure_callback: None,
    closure_marshal: None,
};

/// A source that is destroyed with this handle, unless it is kept.
pub(crate) struct Attached {
    raw: *mut Raw,
    source: Rc<Source>,
    kept: bool,
}

impl Source {
    /// Makes the source and attaches it. This thread owns the context until it is finalized.
    pub(crate) fn attach(
        driver: Driver,
        bell: Arc<Bell>,
        context: &MainContext,
    ) -> Result<Attached, ContextBusy> {
        let ptr: *mut ffi::GMainContext = context.to_glib_none().0;
        // SAFETY: `ptr` is a context that `context` keeps. Released by `Source`'s drop.
        if unsafe { ffi::g_main_context_acquire(ptr) } == ffi::GFALSE {
            return Err(ContextBusy);
        }
        // SAFETY: the functions match `Raw`, whose size is given; `FUNCS` is never written.
        let raw = unsafe { ffi::g_source_new(&raw mut FUNCS, size_of::<Raw>() as u32) };
        let raw = raw.cast::<Raw>();
        let io = Rc::new(Io::new(raw.cast()));
        driver.extend(io.clone());
        let source = Rc::new(Source {
            driver,
            bell,
            context: context.clone(),
            owner: std::thread::current().id(),
            backlog: Cell::new(false),
            deadline: Cell::new(None),
            begun: Cell::new(false),
            io,
            when_done: RefCell::new(None),
        });
        // SAFETY: `raw` is a fresh source of this size, which nobody else has yet. The name is a
        // constant, which GLib copies.
        unsafe {
            (&raw mut (*raw).source).write(Rc::into_raw(source.clone()));
            ffi::g_source_set_dispose_function(raw.cast(), Some(dispose));
            ffi::g_source_set_name(raw.cast(), c"rotor".as_ptr());
            ffi::g_source_set_priority(raw.cast(), EAGER);
            // What an actor defers to its host runs inside a dispatch, and may open a loop that
            // turns. Inside a handler the driver itself refuses to.
            ffi::g_source_set_can_recurse(raw.cast(), ffi::GTRUE);
            ffi::g_source_attach(raw.cast(), ptr);
        }
        Ok(Attached {
            raw,
            source,
            kept: false,
        })
    }

    /// Whether the driver has something to do now, whatever the descriptors say.
    fn is_due(&self) -> bool {
        self.backlog.get()
            || self.begun.get()
            || self.bell.is_rung()
            || self
                .deadline
                .get()
                .is_some_and(|deadline| deadline <= Instant::now())
    }

    /// Milliseconds until the deadline, rounded up: never early, never a poll without waiting.
    fn patience(&self) -> i32 {
        let Some(deadline) = self.deadline.get() else {
            return -1;
        };
        let left = deadline
            .saturating_duration_since(Instant::now())
            .as_nanos();
        i32::try_from(left.div_ceil(1_000_000)).unwrap_or(i32::MAX)
    }

    /// Runs one slice. False ends the source.
    fn dispatch(&self, raw: *mut ffi::GSource) -> bool {
        self.bell.take();
        self.io.dispatch();
        self.begun.set(true);
        let turn = self.driver.turn(Budget::default());
        self.begun.set(false);
        match turn {
            Turn::Again => {
                self.set_backlog(raw, true);
                self.deadline.set(None);
            }
            Turn::Park(deadline) => {
                self.set_backlog(raw, false);
                self.deadline.set(deadline);
            }
            Turn::Nested => {
                self.set_backlog(raw, false);
                self.deadline.set(Some(Instant::now() + NESTED));
            }
            Turn::Done(exit) => {
                let when_done = self.when_done.borrow_mut().take();
                if let Some(when_done) = when_done {
                    when_done(exit);
                }
                return false;
            }
        }
        true
    }

    fn set_backlog(&self, raw: *mut ffi::GSource, backlog: bool) {
        if self.backlog.replace(backlog) == backlog {
            return;
        }
        // SAFETY: `raw` is the live source that is being dispatched. One that was destroyed meanwhile would
        // poll its descriptors again.
        unsafe {
            if ffi::g_source_is_destroyed(raw) == ffi::GFALSE {
                ffi::g_source_set_priority(raw, if backlog { BACKLOG } else { EAGER });
            }
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        // Somebody else has destroyed it, and its actors are lost below.
        if let Some(when_done) = self.when_done.take() {
            when_done(Exit::failed(Error::message("its source was destroyed")));
        }
        let ptr: *mut ffi::GMainContext = self.context.to_glib_none().0;
        // SAFETY: acquired by `attach` on this thread: on another one a source is leaked. A program may
        // have let go of it meanwhile.
        unsafe {
            if ffi::g_main_context_is_owner(ptr) != ffi::GFALSE {
                ffi::g_main_context_release(ptr);
            }
        }
    }
}

impl Attached {
    pub(crate) fn driver(&self) -> &Driver {
        &self.source.driver
    }

    pub(crate) fn context(&self) -> &MainContext {
        &self.source.context
    }

    /// Leaves the source to its loop, and to the end of its thread.
    pub(crate) fn keep(mut self) {
        // What is dropped when the main thread ends is dropped at the end of the process, when widgets
        // have no display any more.
        if std::thread::current().name() != Some("main") {
            KEPT.with(|kept| kept.0.borrow_mut().push(self.raw.cast()));
        }
        // A start or a host may have queued something while the loop did not rest.
        self.source.bell.ring();
        self.kept = true;
    }

    /// Has `f` called when the driver is done, or the source is dropped before; it must only quit a loop
    /// or note the exit.
    pub(crate) fn when_done(&self, f: impl FnOnce(Exit) + 'static) {
        *self.source.when_done.borrow_mut() = Some(Box::new(f));
    }
}

impl Drop for Attached {
    fn drop(&mut self) {
        // SAFETY: `raw` is ours: `attach` made it, and this reference is given back once. Without
        // `kept` the loop lets go of it now, else when its tree ends.
        unsafe {
            if !self.kept {
                ffi::g_source_destroy(self.raw.cast());
            }
            ffi::g_source_unref(self.raw.cast());
        }
    }
}

impl fmt::Debug for Attached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source.driver, f)
    }
}

/// The source's own data. The owner's thread holds the context, so that GLib comes from another one
/// only to drop the source: see `dispose`.
///
/// # Safety
/// `raw` is a live source made by `Source::attach`.
unsafe fn source_of<'a>(raw: *mut ffi::GSource) -> &'a Source {
    // SAFETY: `attach` stored it, and `finalize` has not run.
    unsafe { &*(*raw.cast::<Raw>()).source }
}

unsafe extern "C" fn prepare(raw: *mut ffi::GSource, timeout: *mut i32) -> ffi::gboolean {
    // SAFETY: GLib calls this with the source.
    let source = unsafe { source_of(raw) };
    let due = source.is_due();
    source.bell.set_waits(!due);
    // SAFETY: GLib gives a place for the timeout.
    unsafe { *timeout = if due { 0 } else { source.patience() } };
    due.into()
}

unsafe extern "C" fn check(raw: *mut ffi::GSource) -> ffi::gboolean {
    // SAFETY: GLib calls this with the source.
    let source = unsafe { source_of(raw) };
    source.bell.set_waits(false);
    (source.is_due() || source.io.is_ready()).into()
}

unsafe extern "C" fn dispatch(
    raw: *mut ffi::GSource,
    _: ffi::GSourceFunc,
    _: ffi::gpointer,
) -> ffi::gboolean {
    // SAFETY: GLib calls this with the source.
    let source = unsafe { source_of(raw) };
    // Actors' panics do not get here; should one of ours, it must not cross the C frame.
    catch_unwind(AssertUnwindSafe(|| source.dispatch(raw)))
        .unwrap_or(false)
        .into()
}

/// Before `finalize`, as long as the source may still be kept.
unsafe extern "C" fn dispose(raw: *mut ffi::GSource) {
    // SAFETY: GLib calls this with the source.
    let source = unsafe { source_of(raw) };
    if source.owner != std::thread::current().id() {
        // Another thread iterated the context and dropped it. What the actors hold must not be
        // touched here: their localities are marked as lost, and the rest is leaked, the source
        // included, which an `Io` on the owner's thread may know.
        let _ = source.driver.turn(Budget::default());
        // SAFETY: GLib holds a reference during this call; ours is never given back.
        unsafe { ffi::g_source_ref(raw) };
    }
}

unsafe extern "C" fn finalize(raw: *mut ffi::GSource) {
    // SAFETY: GLib calls this once, at the end; `attach` stored the pointer. On the owner's thread:
    // `dispose` keeps the source from all others.
    let source = unsafe { Rc::from_raw((*raw.cast::<Raw>()).source) };
    let _ = KEPT.try_with(|kept| kept.0.borrow_mut().retain(|&other| other != raw));
    let (io, context) = (source.io.clone(), source.context.clone());
    let _ = catch_unwind(AssertUnwindSafe(|| drop(source)));
    io.close();
    let mut context = Some(context);
    let _ = LAST.try_with(|last| drop(last.replace(context.take())));
    std::mem::forget(context); // none, unless the thread ends
}
