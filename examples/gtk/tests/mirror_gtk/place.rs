//! Folders of one test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{self, Command};

use crate::MIRROR;
use crate::common::{Program, Screen};

/// A source and a target, which go with the test.
pub struct Place(PathBuf);

impl Place {
    /// A source with some small files, and a large one of this size.
    pub fn new(name: &str, large: usize) -> Self {
        let place = std::env::temp_dir().join(format!("mirror-gtk-{name}-{}", process::id()));
        let _ = fs::remove_dir_all(&place);
        for folder in 0..8 {
            let folder = place.join(format!("src/folder {folder}"));
            fs::create_dir_all(&folder).unwrap();
            for file in 0..32 {
                fs::write(folder.join(format!("file {file}")), vec![file; 3000]).unwrap();
            }
        }
        let bytes: Vec<u8> = (0..large).map(|n| (n ^ n >> 8) as u8).collect();
        fs::write(place.join("src/large"), bytes).unwrap();
        Self(place)
    }

    pub fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    pub fn start<'a>(&self, screen: &'a Screen, flags: &[&str]) -> Program<'a> {
        let (src, dst) = (self.path("src"), self.path("dst"));
        let words: Vec<_> = [&*src, &*dst].iter().chain(flags).copied().collect();
        screen.start(MIRROR, &words)
    }

    pub fn script<'a>(&self, screen: &'a Screen, steps: &str) -> Program<'a> {
        fs::write(self.path("script"), steps).unwrap();
        self.start(screen, &["--headless-script", &self.path("script")])
    }

    /// Files in the target that are not there yet.
    pub fn temporaries(&self) -> usize {
        temporaries(&self.0)
    }

    pub fn assert_same(&self) {
        let diff = Command::new("diff")
            .args([
                "-r",
                "--no-dereference",
                &self.path("src"),
                &self.path("dst"),
            ])
            .output()
            .unwrap();
        assert!(diff.status.success(), "{diff:?}");
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn temporaries(folder: &Path) -> usize {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let count = |entry: fs::DirEntry| match entry.path() {
        path if path.is_dir() => temporaries(&path),
        path => path.to_string_lossy().contains(".mirror-tmp-").into(),
    };
    entries.map(count).sum()
}
