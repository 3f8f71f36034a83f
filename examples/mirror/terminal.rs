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
        // Not on the global context, which nobody runs here.
        self.main_loop.context().spawn_local(async move {
            glib::timeout_future(limit).await;
            main_loop.quit();
        });
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::rc::Rc;

    use glib::MainContext;

    use super::*;

    #[test]
    fn the_loop_that_the_program_runs_is_quit_when_the_limit_is_over() {
        let context = MainContext::new();
        let main_loop = MainLoop::new(Some(&context), false);
        let (host, hangs) = (Terminal::new(main_loop.clone()), Rc::new(Cell::new(false)));
        let (hung, quit) = (hangs.clone(), main_loop.clone());
        let run = context.with_thread_default(|| {
            host.quit_within(Duration::from_millis(1));
            context.spawn_local(async move {
                glib::timeout_future(Duration::from_secs(20)).await;
                hung.set(true);
                quit.quit();
            });
            main_loop.run();
        });
        assert!(run.is_ok() && !hangs.get());
    }
}
