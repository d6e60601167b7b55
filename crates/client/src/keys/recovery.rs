//! The recovery code: printed on paper, it wraps the same database key as the passphrase does.

use std::path::Path;

use chrono::{DateTime, Utc};
use domain::problem::Code;
use zeroize::Zeroizing;

use super::attempts::{CODES, PASSPHRASES, attempt};
use super::{Cost, DatabaseKey, FILE, KeyFile, Wrap};
use crate::error::Error;

/// Crockford base 32: it can be dictated, and O, I and L are read as the digits they look like.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Random characters: 140 bits.
const SECRET: usize = 28;
/// Characters that follow from those, so that a slip of the hand is told from a code of another store.
const CHECK: usize = 4;
const GROUP: usize = 4;

/// Makes a code after the passphrase. It takes the place of the one before.
pub(crate) fn make(
    dir: &Path,
    passphrase: &str,
    cost: Cost,
    now: DateTime<Utc>,
) -> Result<Zeroizing<String>, Error> {
    let mut file = super::read(dir)?;
    let key = super::open_with_passphrase(dir, &file, passphrase, now)?;
    let secret = new_secret()?;
    let salt = super::random_bytes()?;
    let wrapping = cost.derive(&secret, &salt)?;
    let (nonce, sealed) = super::seal(&wrapping, &key.0, &super::label(file.store, "recovery"))?;
    file.wraps.retain(|wrap| !matches!(wrap, Wrap::Recovery { .. }));
    file.wraps.push(Wrap::Recovery { cost, salt: hex::encode(salt), nonce, sealed });
    super::write_atomically(&dir.join(FILE), &serde_json::to_vec_pretty(&file)?)?;
    Ok(written(&secret))
}

/// Gives the store of a code a new passphrase.
pub(crate) fn renew(
    dir: &Path,
    code: &str,
    passphrase: &str,
    cost: Cost,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    super::long_enough(passphrase)?;
    let secret = read_code(code).ok_or(Code::RecoveryMistyped)?;
    let mut file = super::read(dir)?;
    let key = attempt(dir, &CODES, now, || open(&file, &secret))?;
    super::replace_passphrase(dir, &mut file, &key, passphrase, cost)?;
    // Whoever has the code does not wait for wrong passphrases of before.
    super::attempts::forget(dir, &PASSPHRASES);
    Ok(())
}

/// Whether a code was made.
pub(crate) fn exists(dir: &Path) -> Result<bool, Error> {
    Ok(super::read(dir)?.wraps.iter().any(|wrap| matches!(wrap, Wrap::Recovery { .. })))
}

fn open(file: &KeyFile, secret: &str) -> Result<Option<DatabaseKey>, Error> {
    for wrap in &file.wraps {
        if let Wrap::Recovery { cost, salt, nonce, sealed } = wrap {
            let salt = hex::decode(salt).map_err(|_| Error::Crypto("the salt in keys.json"))?;
            let wrapping = cost.derive(secret, &salt)?;
            let key = super::unseal(&wrapping, nonce, sealed, &super::label(file.store, "recovery"));
            return Ok(key.map(DatabaseKey));
        }
    }
    Err(Code::RecoveryNone.into())
}

fn new_secret() -> Result<Zeroizing<String>, Error> {
    let mut bytes = Zeroizing::new([0u8; SECRET]);
    super::random(&mut *bytes)?;
    Ok(Zeroizing::new(bytes.iter().map(|byte| letter(*byte)).collect()))
}

fn letter(byte: u8) -> char {
    char::from(ALPHABET[usize::from(byte & 31)])
}

fn check_of(secret: &str) -> String {
    use sha2::{Digest as _, Sha256};
    let digest = Sha256::digest(format!("avance-abierto recovery {secret}"));
    digest.iter().take(CHECK).map(|byte| letter(*byte)).collect()
}

/// In groups, with its check at the end.
fn written(secret: &str) -> Zeroizing<String> {
    let whole = Zeroizing::new(format!("{secret}{}", check_of(secret)));
    let mut code = Zeroizing::new(String::with_capacity(whole.len() + whole.len() / GROUP));
    for (n, letter) in whole.chars().enumerate() {
        if n > 0 && n % GROUP == 0 {
            code.push('-');
        }
        code.push(letter);
    }
    code
}

/// What was typed without its check; none when it does not hold.
fn read_code(typed: &str) -> Option<Zeroizing<String>> {
    let mut plain = Zeroizing::new(String::with_capacity(SECRET + CHECK));
    for letter in typed.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        let letter = match letter.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        if plain.len() == SECRET + CHECK || !u8::try_from(letter).is_ok_and(|byte| ALPHABET.contains(&byte)) {
            return None;
        }
        plain.push(letter);
    }
    let (secret, check) = plain.split_at_checked(SECRET)?;
    (check == check_of(secret)).then(|| Zeroizing::new(secret.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_survives_dictation_and_a_slip_is_noticed() {
        let code = written(&new_secret().unwrap());
        assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4; 8]);
        let secret = read_code(&code).unwrap();
        let spoken = code.replace('-', " ").to_lowercase().replace('0', "o").replace('1', "l");
        assert_eq!(read_code(&spoken).unwrap(), secret);
        let mut noticed = 0;
        for at in (0..code.len()).filter(|at| code.as_bytes()[*at] != b'-') {
            let mut slip = code.as_bytes().to_vec();
            slip[at] = if slip[at] == b'7' { b'8' } else { b'7' };
            noticed += usize::from(read_code(std::str::from_utf8(&slip).unwrap()).is_none());
        }
        assert_eq!(noticed, SECRET + CHECK);
        for wrong in ["", "ABCD", &format!("{}0", *code), &code[..code.len() - 1], "ñ"] {
            assert!(read_code(wrong).is_none(), "{wrong}");
        }
    }
}
