//! The runtimes of the peers on tokio.

/// A tokio current-thread runtime.
pub fn tokio_one() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("runtime")
}

/// A tokio multi-thread runtime with two workers.
pub fn tokio_two() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .expect("runtime")
}

/// A second OS thread that runs its own tokio current-thread runtime until dropped.
pub struct OtherThread {
    pub handle: tokio::runtime::Handle,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl OtherThread {
    pub fn start() -> Self {
        let (tx, rx) = std::sync::mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let thread = std::thread::spawn(move || {
            let rt = tokio_one();
            tx.send(rt.handle().clone()).expect("handle");
            let _ = rt.block_on(stopped);
        });
        OtherThread {
            handle: rx.recv().expect("handle"),
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Runs `fut` on that thread and brings its result here.
    pub async fn run<F>(&self, fut: F) -> F::Output
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        self.handle.spawn(fut).await.expect("other thread")
    }
}

impl Drop for OtherThread {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(t) = self.thread.take() {
            let _ = t.join();
        }
    }
}
