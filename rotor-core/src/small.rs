//! A value of any type with the functions that use it up: stored inline up to three words.

#![expect(unsafe_code)]

use std::mem::{ManuallyDrop, align_of, needs_drop, size_of};
use std::ptr;

use crate::locality::Local;
use crate::queue::Word;
use crate::request::RequestError;

const WORDS: usize = 3;

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
    /// Whether a value may be forgotten: nothing is to be done for who does not use it.
    pub(crate) trivial: bool,
    /// Drops the value; `None` if there is nothing to do.
    pub(crate) drop: Option<unsafe fn(*mut ())>,
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

/// What drops a `T` in place, if that does anything.
pub(crate) const fn drop_of<T>() -> Option<unsafe fn(*mut ())> {
    /// # Safety
    /// `value` points to a `T` that nobody uses again.
    unsafe fn drop_value<T>(value: *mut ()) {
        // SAFETY: as the caller says.
        unsafe { ptr::drop_in_place(value.cast::<T>()) }
    }
    if needs_drop::<T>() {
        Some(drop_value::<T>)
    } else {
        None
    }
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
    #[inline]
    pub(crate) fn new<T>(value: T, table: &'static Table) -> Self {
        // SAFETY: it is filled at once.
        let mut small = unsafe { Small::hollow(table) };
        small.fill(value);
        small
    }

    /// One without its value.
    ///
    /// # Safety
    /// It is filled with a value for which `table` is made before anything else is done with it.
    #[inline]
    pub(crate) unsafe fn hollow(table: &'static Table) -> Self {
        let words = [Word::uninit(); WORDS];
        Small { table, words }
    }

    /// Puts the value into a hollow one.
    ///
    /// Where it is: a copy would read in one piece what was written in several just before, which
    /// processors do not forward.
    #[inline]
    pub(crate) fn fill<T>(&mut self, value: T) {
        debug_assert_eq!(self.table.free.is_none(), fits::<T>());
        let at = self.words.as_mut_ptr();
        // SAFETY: `T` fits, or a pointer does.
        unsafe {
            if fits::<T>() {
                at.cast::<T>().write(value);
            } else {
                at.cast::<*mut T>().write(Box::into_raw(Box::new(value)));
            }
        }
    }

    /// Whether there is nothing to do for who drops it.
    pub(crate) fn is_trivial(&self) -> bool {
        self.table.trivial
    }

    fn value(&mut self) -> *mut () {
        let words = self.words.as_mut_ptr();
        match self.table.free {
            None => words.cast(),
            // SAFETY: a boxed value stores its pointer here.
            Some(_) => unsafe { words.cast::<*mut ()>().read() },
        }
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

    pub(crate) fn is_request(&self) -> bool {
        self.table.fail.is_some()
    }

    /// Whether somebody has a token of it.
    pub(crate) fn has_token(&self) -> bool {
        self.table.asks.is_some()
    }

    /// Type name of the question, if it is a pending request.
    pub(crate) fn asks(&self) -> Option<&'static str> {
        self.table.asks.map(|name| name())
    }
}

/// A value that was taken out to be used up.
///
/// It is used where it was copied to: a second copy would read in other pieces than the first one
/// wrote, which processors do not forward.
pub(crate) struct Taken<'a>(&'a mut ManuallyDrop<Small>);

impl<'a> Taken<'a> {
    /// Takes it over.
    ///
    /// # Safety
    /// Nobody else uses what lies there again.
    #[inline]
    pub(crate) unsafe fn new(small: &'a mut ManuallyDrop<Small>) -> Self {
        Taken(small)
    }

    pub(crate) fn is_request(&self) -> bool {
        self.0.is_request()
    }

    pub(crate) fn has_token(&self) -> bool {
        self.0.has_token()
    }

    #[inline]
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
        let (value, table) = (this.0.value(), this.0.table);
        let _free = Free(value, table.free);
        f(value, table);
    }

    /// Uses the value up.
    ///
    /// # Safety
    /// `actor` and `argument` are what the table's function expects.
    #[inline]
    pub(crate) unsafe fn call(self, actor: *mut (), argument: *mut (), here: &Local, slot: u32) {
        // SAFETY: passed on.
        self.consume(|value, table| unsafe { (table.call)(value, actor, argument, here, slot) });
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
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        // SAFETY: nobody else uses it again, and it was not used up.
        unsafe { ManuallyDrop::drop(self.0) }
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
        if let Some(drop) = self.table.drop {
            // SAFETY: the value is live: `consume` forgets the `Small`.
            unsafe { drop(value) }
        }
    }
}
