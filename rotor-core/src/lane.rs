//! Priority classes of a locality's queue.

/// One priority class of a locality's queue.
///
/// The handler decides: [`Handler::LANE`](crate::Handler::LANE). Above both stands a private lane
/// for supervision. After 32 messages from higher lanes each lower lane that is not empty gets one,
/// so a flood of `Urgent` messages does not starve `Normal` ones. Order is kept per sender,
/// destination and lane.
///
/// ```
/// use rotor_core::{sim::Sim, *};
/// struct Data(u32);
/// struct Pause;
/// struct Player { played: Vec<u32>, paused: bool }
/// impl Actor for Player {}
/// impl Handler<Data> for Player { // `Lane::Normal`
///     fn handle(&mut self, Data(n): Data, _: &mut Context<Self>) {
///         if !self.paused { self.played.push(n) }
///     }
/// }
/// impl Handler<Pause> for Player {
///     const LANE: Lane = Lane::Urgent;
///     fn handle(&mut self, _: Pause, _: &mut Context<Self>) { self.paused = true }
/// }
/// # let mut sim = Sim::new(1);
/// # let player = sim.locality("here").reserve();
/// # sim.start(Supervisor::one_for_one("app").child(
/// #     Child::new("player", || Player { played: Vec::new(), paused: false }).at(player)))?;
/// # sim.run_until_idle();
/// (0..1000).for_each(|n| player.send(Data(n)));
/// player.send(Pause); // does not wait for a thousand others
/// sim.run_until_idle();
/// assert_eq!(sim.with(player, |player| player.played.len()), Some(0));
/// # Ok::<_, StartError>(())
/// ```
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
