//! A growing table of values that are copied out: read without a borrow, also while it grows.

#![expect(unsafe_code)]

use std::cell::{Cell, RefCell};
use std::ptr;

/// A vector of cells whose elements are read by a load of its base and no more.
///
/// Nobody keeps a reference into it, so it may grow while its user is in the middle of a walk.
pub(crate) struct Table<T> {
    cells: RefCell<Vec<Cell<T>>>,
    base: Cell<*const Cell<T>>,
    len: Cell<usize>,
}

impl<T: Copy> Table<T> {
    pub(crate) const fn new() -> Self {
        Table {
            cells: RefCell::new(Vec::new()),
            base: Cell::new(ptr::null()),
            len: Cell::new(0),
        }
    }

    #[inline(always)]
    pub(crate) fn len(&self) -> usize {
        self.len.get()
    }

    pub(crate) fn push(&self, value: T) {
        self.change(|cells| cells.push(Cell::new(value)));
    }

    /// Keeps those of which `wanted` says so, in their order.
    pub(crate) fn retain(&self, mut wanted: impl FnMut(T) -> bool) {
        self.change(|cells| cells.retain(|cell| wanted(cell.get())));
    }

    fn change(&self, f: impl FnOnce(&mut Vec<Cell<T>>)) {
        let mut cells = self.cells.borrow_mut();
        self.len.set(0); // in case of a panic
        f(&mut cells);
        self.base.set(cells.as_ptr());
        self.len.set(cells.len());
    }

    pub(crate) fn get(&self, at: usize) -> Option<T> {
        // SAFETY: it is less than the length.
        (at < self.len()).then(|| unsafe { self.at(at) }.get())
    }

    pub(crate) fn set(&self, at: usize, value: T) {
        assert!(at < self.len(), "there is such an element");
        // SAFETY: it is less than the length.
        unsafe { self.at(at) }.set(value);
    }

    /// # Safety
    /// `at` is less than the length. The cell is not used after the next change.
    #[inline(always)]
    pub(crate) unsafe fn at(&self, at: usize) -> &Cell<T> {
        // SAFETY: base and length are those of the cells: whatever changes these sets both.
        unsafe { &*self.base.get().add(at) }
    }
}
