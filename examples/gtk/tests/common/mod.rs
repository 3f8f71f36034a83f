//! A display server without a display, and a program that is driven on it as by a person.

#![allow(dead_code, reason = "each test file uses a part")]

use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

/// What takes longer hangs.
pub const LIMIT: Duration = Duration::from_secs(120);

/// Prints a figure, also where a test passes.
pub fn tell(figure: &str) {
    let _ = writeln!(io::stderr(), "{figure}"); // `println!` would be kept back
}

/// An X server of one test's own.
pub struct Screen {
    server: Child,
    display: String,
}

impl Screen {
    pub fn new(size: &str) -> Self {
        let mut server = Command::new("Xvfb")
            // The server picks a number that is free, and says which.
            .args(["-displayfd", "1", "-nolisten", "tcp", "-screen", "0"])
            .arg(format!("{size}x24"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("Xvfb: scripts/setup-gui.sh installs it");
        let mut number = String::new();
        let mut said = BufReader::new(server.stdout.take().unwrap());
        said.read_line(&mut number).unwrap();
        assert!(number.ends_with('\n'), "Xvfb did not start");
        let display = format!(":{}", number.trim());
        Self { server, display }
    }

    /// Starts a program of this package on the screen.
    pub fn start(&self, program: &str, args: &[&str]) -> Program<'_> {
        let mut command = Command::new(program);
        command.args(args);
        command.env("GSETTINGS_BACKEND", "memory"); // the desktop's own stay as they are
        self.start_command(command)
    }

    pub fn start_command(&self, mut command: Command) -> Program<'_> {
        let mut child = command
            .env("DISPLAY", &self.display)
            .env("GDK_BACKEND", "x11")
            .env("GSK_RENDERER", "cairo")
            .env("NO_AT_BRIDGE", "1")
            .env("G_DEBUG", "fatal-criticals") // a misused widget ends the program
            .env_remove("DBUS_SESSION_BUS_ADDRESS")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (tell, lines) = channel();
        let out = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                println!("program: {line}");
                if tell.send(line).is_err() {
                    break;
                }
            }
        });
        let mut err = child.stderr.take().unwrap();
        let errors = thread::spawn(move || {
            let mut text = String::new();
            let _ = err.read_to_string(&mut text);
            text
        });
        Program {
            screen: self,
            child,
            lines,
            errors: Some(errors),
        }
    }

    /// Runs xdotool, and returns what it prints.
    pub fn xdotool(&self, words: &str) -> String {
        let run = Command::new("timeout")
            .args([&LIMIT.as_secs().to_string(), "xdotool"])
            .args(words.split_whitespace())
            .env("DISPLAY", &self.display)
            .output()
            .expect("xdotool: scripts/setup-gui.sh installs it");
        assert!(run.status.success(), "xdotool {words}: {run:?}");
        String::from_utf8(run.stdout).unwrap()
    }

    /// Waits for a window with this title, and gives it the keyboard, as a window manager would.
    pub fn window(&self, title: &str) -> Window<'_> {
        let found = self.xdotool(&format!("search --sync --onlyvisible --name {title}"));
        let id = found.lines().next().unwrap().to_owned();
        self.xdotool(&format!("windowfocus --sync {id}"));
        Window { screen: self, id }
    }

    /// The picture of the screen, as its bare points.
    pub fn picture(&self) -> Vec<u8> {
        self.import(&["rgb:-"])
    }

    /// Waits until the screen does not look like `before`.
    pub fn redrawn(&self, before: &[u8]) {
        self.until(|now| now != before);
    }

    /// Waits until the mean light of the screen, from 0 to 255, is as wanted.
    pub fn until_it_shows(&self, wanted: impl Fn(u64) -> bool) {
        let light = |points: &[u8]| points.iter().map(|&n| u64::from(n)).sum::<u64>();
        self.until(|now| wanted(light(now) / now.len() as u64));
    }

    /// The points of a part of the screen, such as `100x50+10+20`, once nothing moves there any more.
    pub fn at_rest(&self, part: &str) -> Vec<u8> {
        let look = || self.import(&["-crop", part, "rgb:-"]);
        let mut before = look();
        self.until(|_| {
            let now = look();
            std::mem::replace(&mut before, now.clone()) == now
        });
        before
    }

    fn until(&self, mut wanted: impl FnMut(&[u8]) -> bool) {
        let until = Instant::now() + LIMIT;
        while !wanted(&self.picture()) {
            assert!(Instant::now() < until, "it does not look as it should");
        }
    }

    /// Keeps a picture of the screen in the folder `target/screenshots` of the repository.
    pub fn shot(&self, name: &str) {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../target/screenshots");
        fs::create_dir_all(&folder).unwrap();
        let png = self.import(&["png:-"]);
        fs::write(folder.join(name).with_extension("png"), png).unwrap();
    }

    fn import(&self, what: &[&str]) -> Vec<u8> {
        let run = Command::new("import")
            .args(["-window", "root"])
            .args(what)
            .env("DISPLAY", &self.display)
            .output()
            .expect("import: scripts/setup-gui.sh installs it");
        assert!(run.status.success(), "{run:?}");
        run.stdout
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// A window on a screen.
pub struct Window<'a> {
    screen: &'a Screen,
    id: String,
}

impl Window<'_> {
    /// Width and height.
    pub fn size(&self) -> (u32, u32) {
        let text = self
            .screen
            .xdotool(&format!("getwindowgeometry --shell {}", self.id));
        let number = |name| {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap().parse().unwrap()
        };
        (number("WIDTH="), number("HEIGHT="))
    }

    /// Clicks a point of the window.
    pub fn click(&self, x: u32, y: u32) {
        let id = &self.id;
        self.screen
            .xdotool(&format!("mousemove --window {id} {x} {y} click 1"));
    }

    /// Clicks a point of the window with the button for menus.
    pub fn click_for_menu(&self, x: u32, y: u32) {
        let id = &self.id;
        self.screen
            .xdotool(&format!("mousemove --window {id} {x} {y} click 3"));
    }

    /// Writes a text.
    pub fn write(&self, text: &str) {
        self.screen.xdotool(&format!("type {text}"));
    }

    /// Presses keys, one after the other.
    pub fn keys(&self, keys: &str) {
        self.screen.xdotool(&format!("key {keys}"));
    }
}

/// A program that runs.
pub struct Program<'a> {
    screen: &'a Screen,
    child: Child,
    lines: Receiver<String>,
    errors: Option<thread::JoinHandle<String>>,
}

impl Program<'_> {
    /// Waits for a line that begins like this, and returns it.
    pub fn line(&self, start: &str) -> String {
        let line = self.line_within(start, LIMIT);
        line.unwrap_or_else(|| panic!("it does not say {start:?} in time"))
    }

    /// Does something, and says whether a line that begins like this comes soon afterwards.
    pub fn says(&self, start: &str, f: impl FnOnce()) -> bool {
        f();
        self.line_within(start, Duration::from_secs(1)).is_some()
    }

    fn line_within(&self, start: &str, limit: Duration) -> Option<String> {
        let until = Instant::now() + limit;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            match self.lines.recv_timeout(left) {
                Ok(line) if line.starts_with(start) => return Some(line),
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout) => return None,
                Err(RecvTimeoutError::Disconnected) => panic!("it ended, and never said {start:?}"),
            }
        }
    }

    /// Sends the program a signal of the system.
    pub fn signal(&self, name: &str) {
        let mut kill = Command::new("kill");
        kill.args([format!("-{name}"), self.child.id().to_string()]);
        assert!(kill.status().unwrap().success());
    }

    /// Waits for the end: how it ended, and what it complained of. GTK has nothing to warn of, but
    /// that there is no desktop.
    pub fn end(mut self) -> (ExitStatus, String) {
        let until = Instant::now() + LIMIT;
        let status = loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            assert!(Instant::now() < until, "it does not end");
            thread::sleep(Duration::from_millis(5));
        };
        let errors = self.errors.take().unwrap().join().unwrap();
        let mut warnings = errors.lines().filter(|line| line.contains("WARNING **"));
        assert!(
            warnings.all(|line| line.contains("session bus")),
            "{errors}"
        );
        (status, errors)
    }
}

impl Drop for Program<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.screen.shot("failed");
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
