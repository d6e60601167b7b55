//! Who is speaking: enrolment codes, nonces, opaque tokens. Everything secret is stored hashed.

use chrono::{DateTime, Duration, Utc};
use domain::person::{Action, Role, can};
use domain::problem::{Code, Problem};
use domain::receipt::{public_key, sha256_hex, verify};
use domain::seeded::{self, Bug};
use domain::wire::{EnrolAnswer, EnrolRequest, NonceAnswer, TokenAnswer, TokenRequest, nonce_bytes};
use uuid::Uuid;

use crate::endpoint::Endpoint;
use crate::problem::{Answer, Failure};
use crate::store::{Device, Person, Tx};

/// Life of a token.
const TOKEN: Duration = Duration::minutes(15);
/// Life of a nonce.
const NONCE: Duration = Duration::minutes(5);
/// Characters of a code: Crockford base 32, so that it can be dictated.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Length of a code: 50 bits, one use, a day.
const CODE_LENGTH: usize = 10;

/// Somebody who is signed in, through one of their devices.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The device.
    pub device_id: Uuid,
    /// The person.
    pub person: Person,
}

impl Actor {
    /// Denied unless the table of permissions says otherwise.
    pub fn may(&self, action: Action) -> Answer<()> {
        if can(self.person.card.role, action) {
            Ok(())
        } else {
            Err(Problem::new(Code::Forbidden).with("action", format!("{action:?}")).into())
        }
    }
}

/// A fresh enrolment code: ten characters.
pub fn new_code() -> Result<String, getrandom::Error> {
    let mut bytes = [0u8; CODE_LENGTH];
    domain::random::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect())
}

/// A code as typed: case, spaces and hyphens do not matter, and O, I, L are read as the digits they look like.
pub fn normal_code(text: &str) -> String {
    text.trim()
        .to_uppercase()
        .chars()
        .filter(|c| !matches!(c, ' ' | '-'))
        .map(|c| match c {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        })
        .collect()
}

/// Hash under which a code is kept.
pub fn code_hash(code: &str) -> String {
    sha256_hex(format!("avance-abierto code {}", normal_code(code)).as_bytes())
}

/// Adds a person, or finds the same one, and makes a code for a new device of theirs.
pub fn add_person(
    tx: &dyn Tx,
    name: &str,
    role: Role,
    area: &str,
    trained: bool,
    now: DateTime<Utc>,
    validity: Duration,
) -> anyhow::Result<(Person, String)> {
    let area_id = tx.ensure_area(area)?;
    let id = match tx.person_named(name, role, &area_id)? {
        Some(id) => {
            if trained {
                tx.set_trained(&id)?;
                // What they sent while they were not waits for nothing else now.
                for received in tx.received_of(&id)? {
                    tx.queue(crate::store::JobKind::Accept, &received.to_string(), now)?;
                }
            }
            id
        }
        None => {
            let card = domain::person::PersonCard {
                id: domain::random::id(now).to_string(),
                name: name.to_owned(),
                role,
                area: area.to_owned(),
                trained,
            };
            tx.add_person(&Person { card: card.clone(), area_id }, now)?;
            card.id
        }
    };
    let person = tx.person(&id)?.ok_or_else(|| anyhow::anyhow!("the person was not stored"))?;
    let code = new_code().map_err(|error| anyhow::anyhow!("no random bytes: {error}"))?;
    tx.add_code(&code_hash(&code), &id, now, now + validity)?;
    Ok((person, code))
}

/// Enrols a device. The same code from the same key gives the same answer again: a lost reply burns nothing.
pub fn enrol(endpoint: &Endpoint, request: &EnrolRequest) -> Answer<EnrolAnswer> {
    let now = endpoint.now();
    let key = public_key(&request.public_key)
        .map_err(|error| Problem::new(Code::MalformedRequest).with("detail", error.to_string()))?;
    let key = hex::encode(key.as_bytes());
    let name: String = request.device_name.trim().chars().take(80).collect();
    let version: String = request.app_version.chars().take(40).collect();
    let hash = code_hash(&request.code);
    let tx = endpoint.store.begin()?;
    let Some(code) = tx.code(&hash)? else {
        let typed: String = request.code.trim().chars().take(20).collect();
        return Err(Problem::new(Code::CodeUnknown).with("code", typed).into());
    };
    let device_id = match (code.used_at, code.device_id) {
        (Some(used_at), Some(device_id)) => {
            let device = tx.device(device_id)?;
            if device.is_none_or(|device| device.public_key != key || device.revoked_at.is_some())
                && !seeded::is(Bug::CodeUsedTwice)
            {
                return Err(Problem::new(Code::CodeUsed).with("usedAt", used_at.to_rfc3339()).into());
            }
            device_id
        }
        _ if code.expires_at < now => {
            return Err(Problem::new(Code::CodeExpired)
                .with("expiredAt", code.expires_at.to_rfc3339())
                .into());
        }
        _ => {
            let id = domain::random::id(now);
            let device = Device {
                id,
                person_id: code.person_id.clone(),
                public_key: key,
                last_seq: 0,
                revoked_at: None,
            };
            tx.add_device(&device, if name.is_empty() { "Equipo" } else { &name }, &version, now)?;
            tx.use_code(&hash, id, now)?;
            id
        }
    };
    let person = tx.person(&code.person_id)?.ok_or(Code::CodeUnknown)?;
    tx.commit()?;
    Ok(EnrolAnswer {
        device_id,
        person: person.card,
        municipality: endpoint.config.municipality.clone(),
        server_key: endpoint.public_key(),
        server_epoch: endpoint.epoch,
    })
}

/// Something for a device to sign. An unknown device gets one too: the answer does not tell who is enrolled.
pub fn nonce(endpoint: &Endpoint, device_id: Uuid) -> Answer<NonceAnswer> {
    let now = endpoint.now();
    let nonce = domain::receipt::new_salt();
    let tx = endpoint.store.begin()?;
    if tx.device(device_id)?.is_some() {
        tx.add_nonce(&nonce, device_id, now + NONCE)?;
        tx.commit()?;
    }
    Ok(NonceAnswer { nonce })
}

/// A token against a signed nonce.
pub fn token(endpoint: &Endpoint, request: &TokenRequest) -> Answer<TokenAnswer> {
    let now = endpoint.now();
    let tx = endpoint.store.begin()?;
    let device = tx.device(request.device_id)?.ok_or(Code::DeviceRevoked)?;
    if device.revoked_at.is_some() {
        return Err(Code::DeviceRevoked.into());
    }
    let fresh = tx.take_nonce(&request.nonce, request.device_id, now)?;
    let bytes = nonce_bytes(request.device_id, &request.nonce);
    if !fresh || verify(&bytes, &request.signature, &device.public_key).is_err() {
        // The nonce is spent either way.
        tx.commit()?;
        return Err(Code::Unauthenticated.into());
    }
    let token = format!("{}{}", domain::receipt::new_salt(), domain::receipt::new_salt());
    tx.add_token(&sha256_hex(token.as_bytes()), request.device_id, now, now + TOKEN)?;
    tx.commit()?;
    Ok(TokenAnswer { token, expires_at: now + TOKEN, now })
}

/// Who a bearer token belongs to.
pub fn actor(endpoint: &Endpoint, bearer: &str) -> Answer<Actor> {
    let tx = endpoint.store.read()?;
    let unauthenticated = || Failure(Problem::new(Code::Unauthenticated));
    let device_id = tx.token(&sha256_hex(bearer.as_bytes()), endpoint.now())?.ok_or_else(unauthenticated)?;
    let device = tx.device(device_id)?.ok_or_else(unauthenticated)?;
    if device.revoked_at.is_some() {
        return Err(Code::DeviceRevoked.into());
    }
    let person = tx.person(&device.person_id)?.ok_or_else(unauthenticated)?;
    Ok(Actor { device_id, person })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_survive_dictation() {
        let code = new_code().unwrap();
        assert_eq!(code.len(), CODE_LENGTH);
        assert_eq!(normal_code(&format!(" {}-{} ", &code[..5].to_lowercase(), &code[5..])), code);
        assert_eq!(code_hash("o1l i0"), code_hash("01110"));
    }
}
