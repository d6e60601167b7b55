//! Who this equipment is: enrolment with a one-use code, and access tokens got by signing a nonce with its own key.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use domain::clock::Clock;
use domain::person::PersonCard;
use domain::problem::{Code, Problem};
use domain::receipt;
use domain::wire::{EnrolRequest, MunicipalityCard, NonceRequest, PROTOCOL, TokenRequest, nonce_bytes};
use ed25519_dalek::SigningKey;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::error::Error;
use crate::store::{Store, base, blocking, meta, outbox};
use crate::sync::transport::Transport;

/// What enrolment gave.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Identity {
    pub(crate) device_id: Uuid,
    pub(crate) device: String,
    pub(crate) server: String,
    pub(crate) server_key: String,
    pub(crate) person: PersonCard,
    pub(crate) municipality: MunicipalityCard,
}

/// Who this equipment is, if it is enrolled.
pub(crate) fn identity(connection: &Connection) -> Result<Option<Identity>, Error> {
    meta::get(connection, meta::IDENTITY)
}

/// Who this equipment is.
pub(crate) fn enrolled(connection: &Connection) -> Result<Identity, Error> {
    identity(connection)?.ok_or_else(|| Code::NotEnrolled.into())
}

/// Why sending stopped until the person acts: the endpoint does not know this equipment, or a copy of it exists.
pub(crate) fn stopped(connection: &Connection) -> Result<Option<Problem>, Error> {
    meta::get(connection, meta::STOPPED)
}

/// Clock of this equipment minus the endpoint's, as last measured.
pub(crate) fn clock_offset_ms(connection: &Connection) -> Result<i64, Error> {
    Ok(meta::get(connection, meta::CLOCK_OFFSET)?.unwrap_or(0))
}

/// The instant as the endpoint would say it, as far as its clock was ever measured.
pub(crate) fn central_now(connection: &Connection, clock: &dyn Clock) -> Result<DateTime<Utc>, Error> {
    let offset = TimeDelta::try_milliseconds(clock_offset_ms(connection)?).unwrap_or_default();
    let now = clock.now();
    Ok(now.checked_sub_signed(offset).unwrap_or(now))
}

/// Enrols this folder. The key pair is on the disk before the code is used, so that a lost reply is asked again with
/// the same key and burns nothing. Until the new identity is on the disk too, the one before stays as it was.
pub(crate) async fn enrol(
    store: &Arc<Store>,
    clock: &dyn Clock,
    transport: &Transport,
    code: &str,
    device: &str,
) -> Result<Identity, Error> {
    let (known, stopped) = blocking(store, |store| store.read(|c| Ok((identity(c)?, stopped(c)?)))).await?;
    // A revoked or forked equipment may take a new code: its queue is numbered again under the new identity.
    if let (Some(known), None) = (&known, &stopped) {
        return Err(Problem::new(Code::AlreadyEnrolled).with("person", known.person.name.clone()).into());
    }
    transport.health().await?;
    // The old key is the stopped identity: a new one stands beside it, so that a lost reply can be repeated.
    let place = if known.is_some() { meta::NEXT_KEY } else { meta::DEVICE_KEY };
    let key = blocking(store, move |store| store.write(|tx| device_key(tx, place))).await?;
    let name = if device.trim().is_empty() { host_name() } else { device.trim().to_owned() };
    let answer = transport
        .enrol(&EnrolRequest {
            code: code.trim().to_owned(),
            public_key: hex::encode(key.verifying_key().as_bytes()),
            device_name: name.clone(),
            app_version: crate::VERSION.to_owned(),
            protocol: PROTOCOL,
        })
        .await?;
    receipt::public_key(&answer.server_key)
        .map_err(|_| Problem::new(Code::ServerNotOurs).with("server", transport.address()))?;
    let identity = Identity {
        device_id: answer.device_id,
        device: name,
        server: transport.address().to_owned(),
        server_key: answer.server_key,
        person: answer.person,
        municipality: answer.municipality,
    };
    let (new, epoch) = (identity.clone(), answer.server_epoch);
    blocking(store, move |store| {
        store.write(|tx| match &known {
            Some(known) => succeed(tx, known, &new, epoch),
            None => establish(tx, &new, epoch).map(Ok),
        })
    })
    .await?
    .map_err(Error::from)?;
    tracing::info!(device = %identity.device_id, now = %clock.now(), "enrolled");
    Ok(identity)
}

fn establish(connection: &Connection, identity: &Identity, epoch: Uuid) -> Result<(), Error> {
    meta::set(connection, meta::IDENTITY, identity)?;
    meta::set(connection, meta::SERVER_EPOCH, &epoch)?;
    meta::remove(connection, meta::STOPPED)?;
    outbox::adopt(connection, identity.device_id)
}

/// A new identity takes the place of one that stopped. With a code of somebody else it does not as long as something
/// unsent is here: that would be sent in their name. The inner error is this refusal; what it wrote is kept.
fn succeed(
    connection: &Connection,
    known: &Identity,
    identity: &Identity,
    epoch: Uuid,
) -> Result<Result<(), Problem>, Error> {
    // A register restored from a backup may have been given the same person anew: name, role and área are what makes
    // a person the same there. As somebody else's, what they sent and the endpoint lost would never be offered again.
    let restored = meta::get::<Uuid>(connection, meta::SERVER_EPOCH)?.is_some_and(|before| before != epoch);
    let (was, is) = (&known.person, &identity.person);
    let same =
        was.id == is.id || restored && (&was.name, was.role, &was.area) == (&is.name, is.role, &is.area);
    if !same {
        if outbox::has_unsent(connection)? {
            // The code of the right person gets a key of its own.
            meta::remove(connection, meta::NEXT_KEY)?;
            return Ok(Err(Problem::new(Code::AlreadyEnrolled).with("person", known.person.name.clone())));
        }
        outbox::hand_over(connection, &known.person.id, &identity.person.id)?;
    }
    let key =
        meta::get::<String>(connection, meta::NEXT_KEY)?.ok_or(Error::Stored { what: "the device key" })?;
    meta::set(connection, meta::DEVICE_KEY, &*Zeroizing::new(key))?;
    meta::remove(connection, meta::NEXT_KEY)?;
    // Another identity may see other streams: its copy starts from nothing beside the one in use. What the endpoint
    // lost meanwhile is offered again.
    base::begin_fresh(connection, true)?;
    establish(connection, identity, epoch).map(Ok)
}

/// A key pair of this device, made the first time. It is inside the encrypted database.
fn device_key(connection: &Connection, place: &str) -> Result<SigningKey, Error> {
    if let Some(key) = key_at(connection, place)? {
        return Ok(key);
    }
    let mut seed = Zeroizing::new([0u8; 32]);
    domain::random::fill(&mut *seed).map_err(|_| Error::Crypto("no source of randomness"))?;
    meta::set(connection, place, &*Zeroizing::new(hex::encode(*seed)))?;
    Ok(SigningKey::from_bytes(&seed))
}

/// The key of this device.
pub(crate) fn signing_key(connection: &Connection) -> Result<SigningKey, Error> {
    key_at(connection, meta::DEVICE_KEY)?.ok_or(Error::Stored { what: "the device key" })
}

fn key_at(connection: &Connection, place: &str) -> Result<Option<SigningKey>, Error> {
    let Some(text) = meta::get::<String>(connection, place)? else {
        return Ok(None);
    };
    let text = Zeroizing::new(text);
    let mut seed = Zeroizing::new([0u8; 32]);
    hex::decode_to_slice(text.as_bytes(), &mut *seed)
        .map_err(|_| Error::Stored { what: "the device key" })?;
    Ok(Some(SigningKey::from_bytes(&seed)))
}

/// An access token, in memory only: there is nothing to steal from the disk and nothing to refresh.
#[derive(Default)]
pub(crate) struct Tokens {
    kept: Mutex<Option<(Uuid, String, DateTime<Utc>)>>,
    /// Two that need one ask once: whoever comes second finds what the first was given.
    asking: tokio::sync::Mutex<()>,
}

impl Tokens {
    fn kept(&self) -> MutexGuard<'_, Option<(Uuid, String, DateTime<Utc>)>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a token that was refused. Another one may be there by now.
    pub(crate) fn forget(&self, refused: &str) {
        self.kept().take_if(|(_, token, _)| token == refused);
    }

    /// Forgets whatever there is.
    pub(crate) fn clear(&self) {
        *self.kept() = None;
    }

    fn good(&self, clock: &dyn Clock, device_id: Uuid) -> Option<String> {
        let kept = self.kept();
        let good = kept.as_ref().filter(|(owner, _, until)| *owner == device_id && clock.now() < *until);
        good.map(|(_, token, _)| token.clone())
    }

    /// A token of this device, asked for when there is none that is still good.
    pub(crate) async fn get(
        &self,
        store: &Arc<Store>,
        clock: &dyn Clock,
        transport: &Transport,
        device_id: Uuid,
    ) -> Result<String, Error> {
        if let Some(token) = self.good(clock, device_id) {
            return Ok(token);
        }
        let _asking = self.asking.lock().await;
        if let Some(token) = self.good(clock, device_id) {
            return Ok(token);
        }
        let key = blocking(store, |store| store.read(|c| key_at(c, meta::DEVICE_KEY)))
            .await?
            .ok_or(Error::Stored { what: "the device key" })?;
        let nonce = transport.nonce(&NonceRequest { device_id }).await?.nonce;
        let signature = receipt::sign(&nonce_bytes(device_id, &nonce), &key);
        let before = clock.now();
        let answer = transport.token(&TokenRequest { device_id, nonce, signature }).await?;
        let after = clock.now();
        let theirs = answer.now;
        blocking(store, move |store| measure(store, before, after, theirs)).await?;
        // The endpoint's clock says how long; ours only counts. A minute less, so that it does not end under way.
        let life = (answer.expires_at - answer.now - TimeDelta::minutes(1)).max(TimeDelta::zero());
        *self.kept() =
            Some((device_id, answer.token.clone(), after.checked_add_signed(life).unwrap_or(after)));
        Ok(answer.token)
    }
}

/// Keeps the offset between both clocks, from the middle of a request.
pub(crate) fn measure(
    store: &Store,
    before: DateTime<Utc>,
    after: DateTime<Utc>,
    theirs: DateTime<Utc>,
) -> Result<(), Error> {
    let middle = before + (after - before) / 2;
    let offset = (middle - theirs).num_milliseconds();
    let known = store.read(clock_offset_ms)?;
    // Small jitter is not worth a write to the disk every cycle.
    if (offset - known).abs() > 500 {
        store.write(|tx| meta::set(tx, meta::CLOCK_OFFSET, &offset))?;
    }
    Ok(())
}

/// Name of the machine, for a person who gave none.
fn host_name() -> String {
    let from_file = || std::fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name =
        std::env::var("COMPUTERNAME").ok().or_else(from_file).or_else(|| std::env::var("HOSTNAME").ok());
    name.map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .unwrap_or_else(|| "equipo".to_owned())
}

/// Endpoint that the administration wrote down for this installation: `AVANCE_SERVER`, or `server.txt` beside the program.
pub(crate) fn suggested_server() -> Option<String> {
    let from_file = || {
        let folder = std::env::current_exe().ok()?.parent()?.to_owned();
        std::fs::read_to_string(folder.join("server.txt")).ok()
    };
    let text = std::env::var("AVANCE_SERVER").ok().or_else(from_file)?;
    Some(text.trim().to_owned()).filter(|text| !text.is_empty() && text.len() < 300)
}
