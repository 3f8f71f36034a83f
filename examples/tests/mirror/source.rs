//! What the program is made of.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

#[test]
fn the_source_holds_no_thread_channel_lock_or_executor() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("mirror");
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension() != Some(OsStr::new("rs")) {
            continue;
        }
        files += 1;
        let text = fs::read_to_string(&path).unwrap();
        for word in [
            "std::thread",
            "thread::",
            "mpsc",
            "channel(",
            "Mutex",
            "RwLock",
            "Condvar",
            "Barrier",
            "OnceLock",
            "LazyLock",
            "parking_lot",
            "crossbeam",
            "flume",
            "async_lock",
            "async_channel",
            "block_on",
            "Executor",
            "tokio",
            "rayon",
        ] {
            assert!(!text.contains(word), "{} has {word}", path.display());
        }
    }
    assert!(files > 10);
}
