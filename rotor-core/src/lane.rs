//! Priority classes of a locality's queue.

/// One priority class of a locality's queue.
///
/// The handler decides: [`Handler::LANE`](crate::Handler::LANE). Above both stands a private lane
/// for supervision. After 32 messages from higher lanes each lower lane that is not empty gets one,
/// so a flood of `Urgent` messages does not starve `Normal` ones. Order is kept per sender,
/// destination and lane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lane {
    /// User input and control: goes ahead of every queued `Normal` message.
    Urgent,
    /// Everything else.
    #[default]
    Normal,
}

/// Index of the private lane of supervision in every array of lanes.
pub(crate) const SYSTEM: usize = 0;
/// Index of [`Lane::Urgent`].
pub(crate) const URGENT: usize = 1;
/// Index of [`Lane::Normal`].
pub(crate) const NORMAL: usize = 2;
/// How many lanes there are.
pub(crate) const LANES: usize = 3;

impl Lane {
    pub(crate) const fn index(self) -> usize {
        match self {
            Lane::Urgent => URGENT,
            Lane::Normal => NORMAL,
        }
    }
}
