//! People, their roles and what each role may do.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The role of a person, fixed at enrolment by the administration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Liaison of an área: captures on an office PC.
    Enlace,
    /// Field staff: captures without a network for days.
    Campo,
    /// Sees what arrived and what is still out; reviews.
    Coordinacion,
    /// People, devices, catalogues, loads.
    Administracion,
    /// Reads and verifies the history.
    Auditoria,
}

impl Role {
    /// Every role, in the order of the register.
    pub const ALL: [Role; 5] =
        [Role::Enlace, Role::Campo, Role::Coordinacion, Role::Administracion, Role::Auditoria];

    /// The word used on the command line and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Enlace => "enlace",
            Role::Campo => "campo",
            Role::Coordinacion => "coordinacion",
            Role::Administracion => "administracion",
            Role::Auditoria => "auditoria",
        }
    }

    /// Reads a role; the accented spelling people type is accepted.
    pub fn parse(text: &str) -> Option<Role> {
        let plain = text.trim().to_lowercase().replace('ó', "o").replace('í', "i");
        Role::ALL.into_iter().find(|role| role.as_str() == plain)
    }
}

/// What can be asked of the central endpoint by somebody who is signed in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Action {
    /// Offer follow-ups of the own áreas.
    Push,
    /// Receive the streams in scope.
    Pull,
    /// Send the bytes of evidence.
    SendEvidence,
    /// See which devices hold what.
    SeeDevices,
    /// See every área's projects, not only one's own.
    SeeEveryArea,
    /// See who captured, by name, beyond one's own.
    SeeNames,
    /// Choose between two values that disagree.
    Choose,
    /// Withdraw one's own follow-up while it is in conflict.
    Withdraw,
    /// Accept, observe or reject what somebody else captured.
    Review,
    /// Answer an observation on one's own follow-up.
    Answer,
    /// Say what one thinks of the program, or what does not work in it.
    Opine,
    /// Decide what becomes of what others said of the program.
    DecideOpinions,
}

impl Action {
    /// Every action.
    pub const ALL: [Action; 12] = [
        Action::Push,
        Action::Pull,
        Action::SendEvidence,
        Action::SeeDevices,
        Action::SeeEveryArea,
        Action::SeeNames,
        Action::Choose,
        Action::Withdraw,
        Action::Review,
        Action::Answer,
        Action::Opine,
        Action::DecideOpinions,
    ];
}

/// The one table of permissions: denied unless it is written here.
pub fn can(role: Role, action: Action) -> bool {
    use Action::*;
    use Role::*;
    match action {
        // The coordination and the administration push too: their devices report themselves and may capture.
        Push | SendEvidence | Withdraw | Answer => {
            matches!(role, Enlace | Campo | Coordinacion | Administracion)
        }
        // Whoever captured one of the two values is a party; the coordination answers for both.
        Choose | Review | DecideOpinions => matches!(role, Coordinacion | Administracion),
        // Whoever uses the program may say what they think of it, also who only reads.
        Pull | Opine => true,
        SeeDevices | SeeNames => matches!(role, Coordinacion | Administracion | Auditoria),
        SeeEveryArea => matches!(role, Coordinacion | Administracion | Auditoria),
    }
}

/// Who a device belongs to, as the device shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "camelCase")]
pub struct PersonCard {
    /// Identifier of the person in the register.
    pub id: String,
    /// Name as registered.
    pub name: String,
    /// Role.
    pub role: Role,
    /// Name of the área.
    pub area: String,
    /// Whether the person finished the training; what an untrained person sends waits for the coordination.
    pub trained: bool,
}

/// Stable identifier of an área: its name in lower case, without accents, words joined by `-`.
pub fn area_id(name: &str) -> String {
    let mut id = String::with_capacity(name.len());
    for plain in name.trim().to_lowercase().chars().filter_map(crate::entry::without_accent) {
        if plain.is_ascii_alphanumeric() {
            id.push(plain);
        } else if !id.ends_with('-') && !id.is_empty() {
            id.push('-');
        }
    }
    id.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn area_id_is_stable_under_accents_case_and_spacing() {
        assert_eq!(area_id("  Obras Públicas y Diseño "), "obras-publicas-y-diseno");
        assert_eq!(area_id("OBRAS PUBLICAS Y DISEÑO"), "obras-publicas-y-diseno");
        // The same name from a system that writes accents apart from their letters is the same área.
        assert_eq!(area_id("Obras Pu\u{301}blicas y Disen\u{303}o"), "obras-publicas-y-diseno");
        assert_eq!(area_id("---"), "");
    }

    #[test]
    fn roles_are_read_as_people_type_them() {
        assert_eq!(Role::parse("Coordinación"), Some(Role::Coordinacion));
        assert_eq!(Role::parse("jefe"), None);
    }

    #[test]
    fn an_auditor_changes_nothing_and_an_enlace_sees_only_their_own() {
        assert!(!can(Role::Auditoria, Action::Push));
        assert!(!can(Role::Auditoria, Action::SendEvidence));
        assert!(!can(Role::Auditoria, Action::Choose) && !can(Role::Auditoria, Action::Withdraw));
        assert!(!can(Role::Auditoria, Action::Review) && !can(Role::Auditoria, Action::Answer));
        assert!(!can(Role::Enlace, Action::Review) && !can(Role::Campo, Action::Review));
        assert!(can(Role::Enlace, Action::Answer) && can(Role::Coordinacion, Action::Review));
        assert!(!can(Role::Enlace, Action::Choose) && !can(Role::Campo, Action::SeeNames));
        assert!(!can(Role::Enlace, Action::SeeDevices));
        assert!(!can(Role::Campo, Action::SeeEveryArea));
        assert!(Role::ALL.into_iter().all(|role| can(role, Action::Pull)));
    }
}
