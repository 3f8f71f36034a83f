//! Progress of work that blocks, thinned out before it is shown; and no more jobs than may wait.

use std::thread::sleep;
use std::time::Duration;

use rotor_core::*;

/// As often as anybody can look.
const FRAME: Duration = Duration::from_millis(16);

#[derive(Clone, Copy)]
struct Job {
    file: &'static str,
    parts: u32,
}

struct Done {
    file: &'static str,
    part: u32,
    of: u32,
}

/// Copies files, on a loop where nobody minds being blocked.
struct Copier {
    progress: Addr<Throttle<Done, &'static str>>,
}

impl Actor for Copier {}

impl Handler<Job> for Copier {
    fn handle(&mut self, Job { file, parts }: Job, cx: &mut Context<Self>) {
        for part in 1..=parts {
            // What was sent before goes out before the thread blocks.
            cx.blocking(|| sleep(Duration::from_millis(1))); // stands for a part of the file
            let of = parts;
            self.progress.send(Done { file, part, of });
        }
    }
}

/// Stands for a window.
struct View {
    copier: Addr<Copier>,
    left: usize,
    shown: u32,
    parts: u32,
}

impl Actor for View {
    fn start(&mut self, _: &mut Context<Self>) -> Result {
        for file in ["one", "two", "three", "four"] {
            match self.copier.try_send(Job { file, parts: 100 }) {
                Ok(()) => self.left += 1,
                Err(back) => println!(
                    "{} has to wait: the copier has enough to do",
                    back.message.file
                ),
            }
        }
        Ok(())
    }
}

impl Handler<Done> for View {
    fn handle(&mut self, Done { file, part, of }: Done, cx: &mut Context<Self>) {
        println!("{file}: {} %", 100 * part / of);
        self.shown += 1;
        if part == of {
            self.left -= 1;
            self.parts += of;
        }
        if self.left == 0 {
            println!("shown: {} lines, of {} parts", self.shown, self.parts);
            cx.stop();
        }
    }
}

fn main() -> std::result::Result<Exit, Box<dyn std::error::Error>> {
    let (main, work) = (ThreadLoop::new(), ThreadLoop::spawn("work")?);
    let here = main.locality();
    let (view, progress) = (here.reserve::<View>(), here.reserve());
    // One that is handled does not wait any more.
    let copier = work.reserve_bounded(Bound::reject(3));

    // On this loop: that of the copier has no time for it while that blocks. The latest of each file.
    let throttle = move || Throttle::by_key(view.to(), FRAME, |done: &Done| done.file);
    let copying = Supervisor::one_for_one("copying").on(&work, move |s| {
        s.child(Child::new("copier", move || Copier { progress }).at(copier))
    });
    let view = Child::new("view", move || View {
        copier,
        left: 0,
        shown: 0,
        parts: 0,
    })
    .at(view);
    let tree = Supervisor::rest_for_one("app")
        .auto_shutdown(AutoShutdown::Any)
        .child(Child::new("progress", throttle).at(progress))
        .child(copying)
        .child(view.transient().significant());
    Ok(main.run(tree)?)
}
