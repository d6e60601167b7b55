//! How far a project is, in the words of whoever looks at the street.

use domain::follow_up::Percent;
use rust_decimal::Decimal;
use serde_json::Value;

use crate::store::{Process, Project};

/// Where a project stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Approved, nothing more.
    Planned,
    /// Somebody is looking for who does it.
    Tender,
    /// Awarded or contracted, and not begun.
    Contracted,
    /// Works.
    Works,
    /// Done.
    Done,
}

impl Stage {
    /// In order.
    pub const ALL: [Stage; 5] = [Stage::Planned, Stage::Tender, Stage::Contracted, Stage::Works, Stage::Done];

    /// In words.
    pub fn title(self) -> &'static str {
        match self {
            Stage::Planned => "Por iniciar",
            Stage::Tender => "En licitación",
            Stage::Contracted => "Contratado",
            Stage::Works => "En obra",
            Stage::Done => "Terminado",
        }
    }

    /// In an address.
    pub fn slug(self) -> &'static str {
        match self {
            Stage::Planned => "por-iniciar",
            Stage::Tender => "en-licitacion",
            Stage::Contracted => "contratado",
            Stage::Works => "en-obra",
            Stage::Done => "terminado",
        }
    }

    /// Of a project and its processes: from its latest progress, else from what was contracted.
    pub fn of(project: &Project, processes: &[Process]) -> Stage {
        let progress = project.progress.as_ref().and_then(|latest| latest.progress.physical);
        let compiled: Vec<&Value> = processes.iter().map(|process| &process.compiled).collect();
        Stage::derive(progress, &compiled)
    }

    fn derive(physical: Option<Percent>, compiled: &[&Value]) -> Stage {
        let list = |name: &'static str| {
            compiled.iter().flat_map(move |one| one[name].as_array().into_iter().flatten())
        };
        let contracts = || list("contracts").filter(|contract| contract["status"] != "cancelled");
        let awards = || list("awards").filter(|award| award["status"] != "cancelled");
        let terminated =
            contracts().next().is_some() && contracts().all(|contract| contract["status"] == "terminated");
        match physical.and_then(|figures| figures.actual) {
            Some(actual) if actual >= Decimal::ONE_HUNDRED => Stage::Done,
            _ if terminated => Stage::Done,
            Some(actual) if actual > Decimal::ZERO => Stage::Works,
            _ if contracts().next().is_some() || awards().next().is_some() => Stage::Contracted,
            _ if compiled.iter().any(|one| one["tender"].is_object()) => Stage::Tender,
            _ => Stage::Planned,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_seen_on_the_street_is_the_stage() {
        let at = |actual: i64| Some(Percent { planned: None, actual: Some(actual.into()) });
        let signed = json!({"contracts": [{"id": "1", "status": "active"}]});
        let cancelled = json!({"contracts": [{"id": "1", "status": "cancelled"}], "tender": {"id": "1"}});
        let ended =
            json!({"contracts": [{"id": "1", "status": "terminated"}, {"id": "2", "status": "cancelled"}]});
        let nothing = json!({});
        for (physical, compiled, expected) in [
            (None, &nothing, Stage::Planned),
            (at(0), &nothing, Stage::Planned),
            (at(5), &nothing, Stage::Works),
            (None, &cancelled, Stage::Tender),
            (at(0), &signed, Stage::Contracted),
            (at(100), &signed, Stage::Done),
            (at(80), &ended, Stage::Done),
        ] {
            assert_eq!(Stage::derive(physical, &[compiled]), expected, "{compiled}");
        }
    }
}
