//! The loop that the program runs, for the plan.

use std::cell::RefCell;
use std::time::Duration;

use glib::MainLoop;
use rotor_core::App;

use mirror_engine::Host;

/// The loop that the program runs, and the tree in it.
pub struct Terminal {
    main_loop: MainLoop,
    app: RefCell<Option<App>>,
}

impl Terminal {
    /// A loop whose tree is to [come](Self::keep).
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
}

impl Host for Terminal {
    fn tree(&self) -> String {
        let app = self.app.borrow();
        app.as_ref()
            .map_or_else(String::new, |app| app.tree().to_string())
    }

    fn quit_within(&self, limit: Duration) {
        let main_loop = self.main_loop.clone();
        glib::timeout_add_local_once(limit, move || main_loop.quit());
    }
}
