//! The loop that the program runs, and the tree in it.

use std::cell::RefCell;
use std::time::Duration;

use glib::MainLoop;
use rotor_core::App;

/// The loop that the program runs, and the tree in it, for the plan.
pub struct Host {
    main_loop: MainLoop,
    app: RefCell<Option<App>>,
}

impl Host {
    /// A host whose tree is to [come](Self::keep).
    pub fn new(main_loop: MainLoop) -> Self {
        Self {
            main_loop,
            app: RefCell::default(),
        }
    }

    /// Takes the handle of the tree, once it is started.
    pub fn keep(&self, app: App) {
        self.app.replace(Some(app));
    }

    /// Returns the live tree as text.
    pub fn tree(&self) -> String {
        self.app
            .borrow()
            .as_ref()
            .map(|app| app.tree().to_string())
            .unwrap_or_default()
    }

    /// Quits the loop even if a disk holds a writer for longer.
    pub fn quit_within(&self, limit: Duration) {
        let main_loop = self.main_loop.clone();
        glib::timeout_add_local_once(limit, move || main_loop.quit());
    }
}
