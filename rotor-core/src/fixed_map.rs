//! Hash maps that are the same in every run.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;

/// A map whose hash has no seed of its own: nothing may differ from run to run.
pub(crate) type FixedMap<K, V> = HashMap<K, V, BuildHasherDefault<ahash::AHasher>>;
