//! Text of unknown encoding as a stream of UTF-8, in bounded memory.

use std::io::{self, Read};

use encoding_rs::{Decoder, Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};

/// How much is read at a time, and how much of the first text outside ASCII decides the encoding.
pub(super) const WINDOW: usize = 64 * 1024;

/// The encoding a byte order mark announces, and the length of the mark.
pub(super) fn bom(head: &[u8]) -> Option<(&'static Encoding, usize)> {
    match head {
        [0xef, 0xbb, 0xbf, ..] => Some((UTF_8, 3)),
        [0xff, 0xfe, ..] => Some((UTF_16LE, 2)),
        [0xfe, 0xff, ..] => Some((UTF_16BE, 2)),
        _ => None,
    }
}

/// A reader of bytes turned into chunks of UTF-8.
///
/// The byte order mark decides. Without one, the encoding stays open while everything is ASCII, and the first window
/// with anything else decides: UTF-8 if it mostly reads as such, otherwise Windows-1252. What cannot be decoded
/// becomes U+FFFD, which the check of the row reports.
pub(super) struct Decoded<R> {
    reader: R,
    raw: Vec<u8>,
    decoder: Option<Decoder>,
    /// `raw` is the first window and nobody decoded it yet.
    first: bool,
    ended: bool,
}

impl<R: Read> Decoded<R> {
    /// Reads the first window. `None` when there is nothing to read.
    pub fn new(reader: R) -> io::Result<Option<Self>> {
        let mut decoded = Decoded { reader, raw: Vec::new(), decoder: None, first: true, ended: false };
        decoded.fill()?;
        if let Some((encoding, length)) = bom(&decoded.raw) {
            decoded.decoder = Some(encoding.new_decoder_without_bom_handling());
            decoded.raw.drain(..length);
        }
        Ok((!(decoded.raw.is_empty() && decoded.ended)).then_some(decoded))
    }

    /// Puts the next chunk in `out`, whole characters only; `false` at the end.
    pub fn next_chunk(&mut self, out: &mut Vec<u8>) -> io::Result<bool> {
        out.clear();
        loop {
            if !std::mem::take(&mut self.first) {
                if self.ended {
                    return Ok(false);
                }
                self.fill()?;
            }
            if self.decoder.is_none() && !self.raw.is_ascii() {
                self.decoder = Some(guess(&self.raw).new_decoder_without_bom_handling());
            }
            match &mut self.decoder {
                None => out.extend_from_slice(&self.raw),
                Some(decoder) => decode(decoder, &self.raw, self.ended, out),
            }
            if !out.is_empty() {
                return Ok(true);
            }
        }
    }

    /// Name of the encoding. ASCII alone is UTF-8.
    pub fn encoding(&self) -> &'static str {
        self.decoder.as_ref().map_or(UTF_8, Decoder::encoding).name()
    }

    fn fill(&mut self) -> io::Result<()> {
        self.raw.clear();
        let read = self.reader.by_ref().take(WINDOW as u64).read_to_end(&mut self.raw)?;
        self.ended = read < WINDOW;
        // A window that cuts a character in two would count it as wrong.
        if self.decoder.is_none() && !self.ended && self.raw.last().is_some_and(|byte| *byte >= 0x80) {
            let more = self.reader.by_ref().take(3).read_to_end(&mut self.raw)?;
            self.ended = more < 3;
        }
        Ok(())
    }
}

/// UTF-8 with a damaged byte is still UTF-8: as Windows-1252, every accent of the file would be lost. Spanish in
/// Windows-1252 hardly ever has two bytes that read as UTF-8.
fn guess(bytes: &[u8]) -> &'static Encoding {
    let (mut right, mut wrong) = (0usize, 0usize);
    for chunk in bytes.utf8_chunks() {
        right += chunk.valid().chars().filter(|ch| !ch.is_ascii()).count();
        wrong += usize::from(!chunk.invalid().is_empty());
    }
    if right >= wrong && right > 0 { UTF_8 } else { WINDOWS_1252 }
}

fn decode(decoder: &mut Decoder, raw: &[u8], last: bool, out: &mut Vec<u8>) {
    // Three bytes of UTF-8 for every byte, at the most, and what the decoder held back.
    let mut buffer = vec![0u8; decoder.max_utf8_buffer_length(raw.len()).unwrap_or(raw.len() * 3 + 16)];
    let mut from = 0;
    loop {
        let (result, read, written, _) = decoder.decode_to_utf8(&raw[from..], &mut buffer, last);
        out.extend_from_slice(&buffer[..written]);
        from += read;
        if result == encoding_rs::CoderResult::InputEmpty {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> (String, &'static str) {
        let Some(mut decoded) = Decoded::new(bytes).unwrap() else {
            return (String::new(), "");
        };
        let (mut text, mut chunk) = (Vec::new(), Vec::new());
        while decoded.next_chunk(&mut chunk).unwrap() {
            text.extend_from_slice(&chunk);
        }
        (String::from_utf8(text).unwrap(), decoded.encoding())
    }

    #[test]
    fn each_encoding_is_told_apart() {
        assert_eq!(all(b"plain"), ("plain".to_owned(), "UTF-8"));
        assert_eq!(all("año €".as_bytes()), ("año €".to_owned(), "UTF-8"));
        assert_eq!(all(b"\xef\xbb\xbfa\xc3\xb1o"), ("año".to_owned(), "UTF-8"));
        assert_eq!(all(b"a\xf1o \x80"), ("año €".to_owned(), "windows-1252"));
        assert_eq!(all(b"\xff\xfea\0\xf1\0o\0"), ("año".to_owned(), "UTF-16LE"));
        assert_eq!(all(b"\xfe\xff\0a\0\xf1\0o"), ("año".to_owned(), "UTF-16BE"));
        assert!(Decoded::new(&b""[..]).unwrap().is_none());
        assert!(Decoded::new(&b"\xef\xbb\xbf"[..]).unwrap().is_none());
    }

    #[test]
    fn one_damaged_byte_does_not_turn_the_accents_of_a_utf8_file_into_others() {
        assert_eq!(
            all("ñandú".as_bytes().iter().chain(b"\xf1").copied().collect::<Vec<_>>().as_slice()).0,
            "ñandú\u{fffd}"
        );
    }

    #[test]
    fn the_encoding_is_decided_where_the_first_accent_is_however_far() {
        let mut far = vec![b'a'; WINDOW * 3 + 17];
        far.extend_from_slice(b"Espa\xf1a");
        let (text, encoding) = all(&far);
        assert!(text.ends_with("España"));
        assert_eq!(encoding, "windows-1252");
        // A character cut by the end of a window, at each of its bytes.
        for cut in 1..4 {
            let mut text = "a".repeat(WINDOW - cut);
            text.push_str("€ñ");
            assert_eq!(all(text.as_bytes()), (text.clone(), "UTF-8"), "{cut}");
        }
        // The last byte of a window, in Windows-1252, might begin a character of UTF-8.
        let mut bytes = vec![b'a'; WINDOW - 1];
        bytes.extend_from_slice(b"\xd3N y m\xe1s");
        assert!(all(&bytes).0.ends_with("ÓN y más"));
    }
}
