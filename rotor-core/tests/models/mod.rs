//! How the loom models are run.

/// Runs a model in all its interleavings with at most so many preemptions, or more if that is asked for.
pub fn check(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    let more = std::env::var("MORE_PREEMPTIONS");
    let more: usize = more.map_or(0, |more| more.parse().expect("a number"));
    builder.preemption_bound.get_or_insert(preemptions + more);
    builder.check(model);
}
