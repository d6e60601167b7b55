//! What the demonstration captures: follow-up files and a photograph, made here so that no fixture is carried along.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::json::quoted;

/// A follow-up with progress, and the contract it belongs to the first time a project is reported on.
pub struct Sample {
    /// Number of the contract within the demonstration.
    pub contract: usize,
    /// Planned physical progress, percent.
    pub planned: u32,
    /// Actual physical progress, percent.
    pub actual: u32,
}

impl Sample {
    /// The follow-up file.
    pub fn json(&self) -> String {
        let Sample { contract, planned, actual } = self;
        let (visited, signed, ends) = (day(-1), day(-30), day(90));
        let supplier = format!("MX-DEMO-PROV-{contract}");
        let name = quoted(&format!("Constructora de Muestra {contract}, S.A. de C.V."));
        let amount = 1_200_000 + contract * 150_000;
        format!(
            r#"{{
  "stage": "implementation",
  "visitedOn": "{visited}",
  "progress": {{
    "physical": {{"planned": {planned}, "actual": {actual}}},
    "financial": {{"planned": {planned}, "actual": {spent}}}
  }},
  "release": {{
    "parties": [
      {{"id": "{supplier}", "name": {name}, "roles": ["supplier"]}}
    ],
    "awards": [
      {{"id": "ADJ-{contract}", "title": "Adjudicación de los trabajos", "status": "active", "date": "{signed}T12:00:00Z",
        "value": {{"amount": {amount}, "currency": "MXN"}},
        "suppliers": [{{"id": "{supplier}", "name": {name}}}]}}
    ],
    "contracts": [
      {{"id": "CTO-{contract}", "awardID": "ADJ-{contract}", "title": "Contrato de los trabajos", "status": "active",
        "dateSigned": "{signed}T18:00:00Z",
        "period": {{"startDate": "{signed}T06:00:00Z", "endDate": "{ends}T06:00:00Z"}},
        "value": {{"amount": {amount}, "currency": "MXN"}}}}
    ]
  }},
  "internal": {{"notes": "Visita de muestra; esta nota no se publica."}}
}}
"#,
            spent = actual.saturating_sub(5),
        )
    }
}

/// A day counted from today, `yyyy-mm-dd`, UTC.
pub fn day(offset: i64) -> String {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let (year, month, day) = civil(since.as_secs() as i64 / 86_400 + offset);
    format!("{year:04}-{month:02}-{day:02}")
}

/// Date of a number of days since 1970-01-01, in the Gregorian calendar (Hinnant's algorithm: years start in March, so
/// that the leap day is the last one).
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// A photograph: a drawn building site, PNG, different for every `seed`.
pub fn photograph(seed: u8) -> Vec<u8> {
    const WIDTH: usize = 320;
    const HEIGHT: usize = 240;
    let mut rows = Vec::with_capacity(HEIGHT * (1 + WIDTH * 3));
    for y in 0..HEIGHT {
        rows.push(0);
        for x in 0..WIDTH {
            let wall = (100..220).contains(&x) && y > 90 && y < 180;
            let brick = (y / 12 + (x / 24 + y / 12 % 2) * 3) as u8 % 3 * 9;
            let pixel = match () {
                () if wall => [176 - brick, 96 - brick, 64],
                () if y > 170 => [148, 128, 96 + seed % 32],
                () => [128 + (y / 4) as u8, 178 + (y / 8) as u8, 226],
            };
            rows.extend(pixel);
        }
    }
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = Vec::new();
    header.extend((WIDTH as u32).to_be_bytes());
    header.extend((HEIGHT as u32).to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    chunk(&mut file, b"IHDR", &header);
    chunk(&mut file, b"IDAT", &zlib(&rows));
    chunk(&mut file, b"IEND", &[]);
    file
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], body: &[u8]) {
    file.extend((body.len() as u32).to_be_bytes());
    let start = file.len();
    file.extend(kind);
    file.extend(body);
    let sum = crc(&file[start..]);
    file.extend(sum.to_be_bytes());
}

/// A zlib stream of stored blocks: valid, and without a compressor.
fn zlib(bytes: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let blocks = bytes.chunks(65_535).count();
    for (index, block) in bytes.chunks(65_535).enumerate() {
        stream.push(u8::from(index + 1 == blocks));
        let length = block.len() as u16;
        stream.extend(length.to_le_bytes());
        stream.extend((!length).to_le_bytes());
        stream.extend(block);
    }
    let (mut low, mut high) = (1u32, 0u32);
    for byte in bytes {
        low = (low + u32::from(*byte)) % 65_521;
        high = (high + low) % 65_521;
    }
    stream.extend((high << 16 | low).to_be_bytes());
    stream
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| {
                if sum & 1 == 1 { sum >> 1 ^ 0xEDB8_8320 } else { sum >> 1 }
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    #[test]
    fn a_sample_is_json() {
        let json = Json::parse(&Sample { contract: 1, planned: 40, actual: 35 }.json()).unwrap();
        let release = json.get("release").unwrap();
        assert_eq!(
            release.get("contracts").unwrap().items()[0].get("awardID").unwrap().text(),
            Some("ADJ-1")
        );
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(-1), (1969, 12, 31));
        assert_eq!(civil(19_782), (2024, 2, 29));
        assert_eq!(civil(20_779), (2026, 11, 22));
    }

    #[test]
    fn sums_are_the_published_ones() {
        assert_eq!(crc(b"123456789"), 0xCBF4_3926);
        assert_eq!(zlib(b"Wikipedia")[zlib(b"Wikipedia").len() - 4..], 0x11E6_0398u32.to_be_bytes());
        assert!(photograph(1) != photograph(2) && photograph(1).starts_with(b"\x89PNG"));
    }
}
