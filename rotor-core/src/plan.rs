//! The tree as its spec has it, as a picture.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use crate::check::Seen;
use crate::child::{LIMIT, Spec};
use crate::dot::{self, DotNode};
use crate::error::StartError;
use crate::locality::Locality;
use crate::strategy::{AutoShutdown, Restart, Strategy};
use crate::supervisor::{AsChild, Supervisor};

/// A picture of a tree before anything of it starts; made by [`Supervisor::plan`].
///
/// `Display` prints it as indented text. The same spec gives the same text in every run, so a
/// project can keep its architecture as a file and have a test compare the two: a change of the tree
/// then shows in review. The example `architecture` does.
///
/// ```
/// use rotor_core::*;
/// # struct Log;
/// # impl Actor for Log {}
/// let tree = Supervisor::one_for_one("app").child(Child::new("log", || Log).transient());
/// let plan = tree.plan(&Locality::new("main"))?;
/// assert_eq!(plan.nodes.len(), 2);
/// assert!(plan.to_string().contains("log"));
/// assert!(plan.warnings.is_empty());
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The root, first, then depth first in start order.
    pub nodes: Vec<PlanNode>,
    /// What a start allows, but is probably not meant; printed below the tree. A child that waits so long
    /// before its restarts, or whose starts may hang for so long, that it never makes its supervisor give
    /// up, or that has no time to start; a limit of restarts, or of a stop, that the supervisor's own one
    /// comes before; an auto-shutdown without a significant child; a root that says what it is as a child;
    /// an observer elsewhere than at the root; a name that is [needed](crate::Child::needs) and that no spec
    /// declares, so that somebody has to register it; a service that takes so many clients with it when it
    /// crashes that its supervisor gives up at once; localities of one name.
    pub warnings: Vec<String>,
}

/// One supervisor or actor of a [`Plan`].
///
/// ```
/// use rotor_core::*;
/// # struct View;
/// # impl Actor for View {}
/// let tree = Supervisor::one_for_one("app").child(Child::new("view", || View).transient());
/// let plan = tree.plan(&Locality::new("ui"))?;
/// let view: &PlanNode = &plan.nodes[1];
/// assert_eq!((&*view.name, &*view.locality), ("view", "ui"));
/// assert_eq!(view.rules, ["transient"]);
/// # Ok::<_, StartError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlanNode {
    /// How far below the root.
    pub depth: usize,
    /// Its name.
    pub name: Cow<'static, str>,
    /// The name of its locality.
    pub locality: Cow<'static, str>,
    /// Type name of the actor; `None` is a supervisor.
    pub actor: Option<&'static str>,
    /// Strategy and intensity of a supervisor, and whatever else differs from the defaults:
    /// `"transient"`, `"stop limit 1s"`.
    pub rules: Vec<String>,
}

impl Supervisor {
    /// Checks the tree as a start on `here` would, and returns its picture. No actor is made.
    ///
    /// The closures given to [`on`](Self::on) are called on this thread: they must do nothing but
    /// build.
    ///
    /// # Errors
    /// What a start would refuse.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// struct View;
    /// impl Actor for View {}
    /// let (ui, net) = (Locality::new("ui"), Locality::new("net"));
    /// let tree = Supervisor::one_for_one("app")
    ///     .child(Supervisor::rest_for_one("links").on(&net, |s| s))
    ///     .child(Child::new("view", || View).transient());
    /// assert_eq!(
    ///     tree.plan(&ui)?.to_string(),
    ///     "app [ui] one_for_one, 1 restart in 5s\n  \
    ///        links [net] rest_for_one, 1 restart in 5s\n  \
    ///        view [ui] View, transient\n"
    /// );
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn plan(&self, here: &Locality) -> Result<Plan, StartError> {
        let mut seen = Seen::drawing();
        self.check_root()?;
        self.check_in(here.gate(), here.name(), &mut seen)?;
        seen.needs.check()?;
        seen.warnings.extend(seen.needs.undeclared(&self.name));
        seen.warnings.extend(seen.needs.heavy());
        seen.warn_of_places(here);
        Ok(Plan {
            nodes: seen.drawn.unwrap_or_default(),
            warnings: seen.warnings,
        })
    }

    /// This supervisor in a picture.
    pub(crate) fn plan_node(&self, depth: usize, locality: &str) -> PlanNode {
        let flags = &self.flags;
        let strategy = match flags.strategy {
            Strategy::OneForOne => "one_for_one",
            Strategy::OneForAll => "one_for_all",
            Strategy::RestForOne => "rest_for_one",
            Strategy::SimpleOneForOne => "simple_one_for_one",
        };
        let mut rules = vec![
            strategy.to_owned(),
            format!("{} in {:?}", restarts(flags.intensity.into()), flags.period),
        ];
        rules.extend(match flags.auto_shutdown {
            AutoShutdown::Never => None,
            AutoShutdown::Any => Some("ends with any significant child".to_owned()),
            AutoShutdown::All => Some("ends with its last significant child".to_owned()),
        });
        rules.extend(self.own_names.then(|| "names of its own".to_owned()));
        rules.extend(flags.synchronized.then(|| "synchronized start".to_owned()));
        let instances = self.template.as_ref().map(|template| template.restart);
        rules.extend(match instances {
            None | Some(Restart::Permanent) => None,
            Some(Restart::Transient) => Some("transient instances".to_owned()),
            Some(Restart::Temporary) => Some("temporary instances".to_owned()),
        });
        let most = self.template.as_ref().map(|t| t.most);
        let most = most.filter(|most| *most < u32::MAX);
        rules.extend(most.map(|most| format!("at most {most} instances")));
        let waits = self.template.as_ref().and_then(|t| t.backoff);
        rules.extend(waits.map(|backoff| format!("instances restarted {backoff}")));
        if let Some(template) = &self.template {
            rules.extend(limits(
                "instances' ",
                Some(LIMIT),
                template.start_limit,
                template.stop_limit,
            ));
        }
        rules.extend(as_child(self.as_child()));
        rules.extend(limits("", None, self.start_limit, self.stop_limit));
        PlanNode {
            depth,
            name: self.name.clone(),
            locality: locality.to_owned().into(),
            actor: None,
            rules,
        }
    }
}

impl Spec {
    /// This actor in a picture.
    pub(crate) fn plan_node(&self, depth: usize, locality: &str) -> PlanNode {
        let mut rules: Vec<_> = as_child(self.as_child()).collect();
        let extra = self.extra();
        rules.extend(limits("", Some(LIMIT), extra.start_limit, extra.stop_limit));
        rules.extend(
            extra
                .names
                .iter()
                .map(|name| format!("named {}", name.text)),
        );
        rules.extend(
            extra
                .needs
                .iter()
                .map(|name| format!("needs {}", name.text)),
        );
        if let Some(capacity) = extra.capacity {
            rules.push(format!("capacity {capacity}"));
        }
        if let Some(bound) = &extra.bound {
            rules.push(format!("bound {}", bound.messages));
        }
        PlanNode {
            depth,
            name: self.name.clone(),
            locality: locality.to_owned().into(),
            actor: Some((self.maker.ops.type_name)()),
            rules,
        }
    }
}

/// The limits of the steps of somebody, where they are unusual; `None` is no limit.
fn limits(
    whose: &str,
    usual: Option<Duration>,
    start: Option<Duration>,
    stop: Option<Duration>,
) -> impl Iterator<Item = String> {
    let unusual = move |(step, limit): (&str, Option<Duration>)| match limit {
        limit if limit == usual => None,
        Some(limit) => Some(format!("{whose}{step} limit {limit:?}")),
        None => Some(format!("no {whose}{step} limit")),
    };
    [("start", start), ("stop", stop)]
        .into_iter()
        .filter_map(unusual)
}

/// What is unusual of a child, to its supervisor.
fn as_child(child: AsChild) -> impl Iterator<Item = String> {
    let restart = match child.restart {
        Restart::Permanent => None,
        Restart::Transient => Some("transient".to_owned()),
        Restart::Temporary => Some("temporary".to_owned()),
    };
    let significant = child.significant.then(|| "significant".to_owned());
    let escalating = child.escalating.then(|| "escalating".to_owned());
    let at_most = child
        .at_most
        .map(|most| format!("at most {}", restarts(most.into())));
    let waits = child.backoff.map(|backoff| format!("restarted {backoff}"));
    restart
        .into_iter()
        .chain(significant)
        .chain(escalating)
        .chain(at_most)
        .chain(waits)
}

impl Plan {
    /// The picture as a graph in the DOT language of Graphviz, with a frame for each name of a locality.
    ///
    /// # Examples
    /// ```
    /// use rotor_core::*;
    /// let here = Locality::new("main");
    /// let tree = Supervisor::one_for_one("app").child(Supervisor::one_for_all("jobs"));
    /// let dot = tree.plan(&here)?.dot();
    /// assert!(dot.starts_with("digraph tree {"));
    /// assert!(dot.contains("n0 -> n1;"));
    /// # Ok::<_, StartError>(())
    /// ```
    pub fn dot(&self) -> String {
        let nodes = self.nodes.iter().map(|node| DotNode {
            depth: node.depth,
            locality: &node.locality,
            name: &node.name,
            is_supervisor: node.actor.is_none(),
            notes: node.notes().collect(),
        });
        dot::draw(&nodes.collect::<Vec<_>>())
    }
}

impl PlanNode {
    fn notes(&self) -> impl Iterator<Item = Cow<'_, str>> {
        let actor = self.actor.map(|name| Cow::Owned(short(name)));
        let rules = self.rules.iter().map(|rule| Cow::Borrowed(&**rule));
        actor.into_iter().chain(rules)
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for node in &self.nodes {
            let indent = node.depth * 2;
            write!(f, "{:indent$}{} [{}] ", "", node.name, node.locality)?;
            writeln!(f, "{}", node.notes().collect::<Vec<_>>().join(", "))?;
        }
        let mut warnings = self.warnings.iter();
        warnings.try_for_each(|warning| writeln!(f, "warning: {warning}"))
    }
}

/// So many restarts, as a text.
pub(crate) fn restarts(n: u64) -> String {
    let plural = if n == 1 { "" } else { "s" };
    format!("{n} restart{plural}")
}

/// A type's name without the paths in it.
pub(crate) fn short(name: &str) -> String {
    let mut text = String::new();
    for part in name.split_inclusive(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | ':')) {
        text.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_paths_also_within_brackets() {
        let name = "alloc::boxed::Box<(my::Thing<core::option::Option<u8>>, [x_y::Z; 3])>";
        assert_eq!(short(name), "Box<(Thing<Option<u8>>, [Z; 3])>");
    }
}
