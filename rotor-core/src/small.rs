//! A value of any type with the functions that use it up: stored inline up to four words.

use std::mem::{ManuallyDrop, align_of, size_of};
use std::ptr;

use crate::locality::Local;
use crate::queue::Word;
use crate::request::RequestError;

const WORDS: usize = 4;

/// What can be done with the value inside. Each function but `repeat` uses it up.
///
/// Arguments: the value, the actor, an argument whose type both sides know, the locality, the slot.
pub(crate) struct Table {
    /// Does the work: sends the timer's message, calls back with the reply behind the argument.
    pub(crate) call: unsafe fn(*mut (), *mut (), *mut (), &Local, u32),
    /// Does the work and keeps the value.
    pub(crate) repeat: Option<unsafe fn(*const (), *mut (), &Local, u32)>,
    /// Calls back with an error.
    pub(crate) fail: Option<Fail>,
    /// Type name of the question of a pending request.
    pub(crate) asks: Option<fn() -> &'static str>,
    pub(crate) drop: unsafe fn(*mut ()),
    /// Frees the box of a value that was used up; `None` for inline values.
    pub(crate) free: Option<unsafe fn(*mut ())>,
}

/// See [`Table::fail`].
type Fail = unsafe fn(*mut (), *mut (), RequestError, &Local, u32);

/// An erased value. Not `Send`: it stays in its locality.
pub(crate) struct Small {
    table: &'static Table,
    words: [Word; WORDS],
}

pub(crate) const fn fits<T>() -> bool {
    size_of::<T>() <= WORDS * size_of::<Word>() && align_of::<T>() <= align_of::<Word>()
}

/// Drops a value in place.
///
/// # Safety
/// `value` points to a `T` that nobody uses again.
pub(crate) unsafe fn drop_value<T>(value: *mut ()) {
    // SAFETY: as the caller says.
    unsafe { ptr::drop_in_place(value.cast::<T>()) }
}

/// Frees a box whose value was moved out.
///
/// # Safety
/// `value` came from `Box::<T>::into_raw`.
pub(crate) unsafe fn free_box<T>(value: *mut ()) {
    // SAFETY: as the caller says; `ManuallyDrop` has the layout of `T`.
    drop(unsafe { Box::from_raw(value.cast::<ManuallyDrop<T>>()) });
}

impl Small {
    /// Stores a value. `table` is made for `T`: its `free` is set exactly if `T` does not fit.
    pub(crate) fn new<T>(value: T, table: &'static Table) -> Self {
        let mut words = [Word::uninit(); WORDS];
        debug_assert_eq!(table.free.is_none(), fits::<T>());
        // SAFETY: `T` fits, or a pointer does.
        unsafe {
            if fits::<T>() {
                words.as_mut_ptr().cast::<T>().write(value);
            } else {
                words
                    .as_mut_ptr()
                    .cast::<*mut T>()
                    .write(Box::into_raw(Box::new(value)));
            }
        }
        Small { table, words }
    }

    fn value(&mut self) -> *mut () {
        let words = self.words.as_mut_ptr();
        match self.table.free {
            None => words.cast(),
            // SAFETY: a boxed value stores its pointer here.
            Some(_) => unsafe { words.cast::<*mut ()>().read() },
        }
    }

    fn consume(self, f: impl FnOnce(*mut (), &'static Table)) {
        struct Free(*mut (), Option<unsafe fn(*mut ())>);
        impl Drop for Free {
            fn drop(&mut self) {
                if let Some(free) = self.1 {
                    // SAFETY: the value was moved out by the function that used it up.
                    unsafe { free(self.0) }
                }
            }
        }
        let mut this = ManuallyDrop::new(self);
        let value = this.value();
        let _free = Free(value, this.table.free);
        f(value, this.table);
    }

    /// Uses the value up.
    ///
    /// # Safety
    /// `actor` and `argument` are what the table's function expects.
    pub(crate) unsafe fn call(self, actor: *mut (), argument: *mut (), here: &Local, slot: u32) {
        // SAFETY: passed on.
        self.consume(|value, table| unsafe { (table.call)(value, actor, argument, here, slot) });
    }

    /// Uses the value and keeps it.
    ///
    /// # Safety
    /// As for [`call`](Self::call).
    pub(crate) unsafe fn repeat(&mut self, actor: *mut (), here: &Local, slot: u32) {
        let repeat = self
            .table
            .repeat
            .expect("only values that repeat are stored as repeating");
        // SAFETY: passed on.
        unsafe { repeat(self.value(), actor, here, slot) }
    }

    /// Uses the value up with an error.
    ///
    /// # Safety
    /// As for [`call`](Self::call).
    pub(crate) unsafe fn fail(self, actor: *mut (), error: RequestError, here: &Local, slot: u32) {
        self.consume(|value, table| {
            let fail = table.fail.expect("only requests fail");
            // SAFETY: passed on.
            unsafe { fail(value, actor, error, here, slot) }
        });
    }

    pub(crate) fn is_request(&self) -> bool {
        self.table.fail.is_some()
    }

    /// Type name of the question, if it is a pending request.
    pub(crate) fn asks(&self) -> Option<&'static str> {
        self.table.asks.map(|name| name())
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let value = self.value();
        struct Free(*mut (), Option<unsafe fn(*mut ())>);
        impl Drop for Free {
            fn drop(&mut self) {
                if let Some(free) = self.1 {
                    // SAFETY: the value was dropped in place, the box was not.
                    unsafe { free(self.0) }
                }
            }
        }
        let _free = Free(value, self.table.free);
        // SAFETY: the value is live: `consume` forgets the `Small`.
        unsafe { (self.table.drop)(value) }
    }
}
