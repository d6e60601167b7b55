//! The map without a network: the sample that ships, and files that are not what they say.

#![expect(clippy::unwrap_used, reason = "a test that panics is a test that fails")]

mod sample;

use std::path::{Path, PathBuf};

use client::map::pmtiles::{Disk, Tiles, number};

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../schemas/map/muestra.pmtiles")
}

/// `AVANCE_WRITE_MAP=yes cargo test -p client --test map` writes it.
#[test]
fn p2_the_sample_that_ships_is_the_one_that_is_made() {
    let made = sample::file();
    if std::env::var_os("AVANCE_WRITE_MAP").is_some() {
        std::fs::write(shipped(), &made).unwrap();
    }
    let kept = std::fs::metadata(shipped()).unwrap().len();
    assert!(kept <= 200 * 1024, "{kept} bytes");
    // What is in it, and not how this version of a library presses it.
    let (made, kept) = (Tiles::open(made).unwrap(), Tiles::open(Disk::open(&shipped()).unwrap()).unwrap());
    assert_eq!((made.zooms(), made.bounds()), (kept.zooms(), kept.bounds()));
    assert!(kept.about("name").unwrap().contains("inventado"), "a made map says that it is made");
    let mut drawn = 0;
    for (z, x, y) in sample::tiles() {
        let tile = kept.tile(z, x, y).unwrap();
        assert_eq!(made.tile(z, x, y).unwrap(), tile, "{z}/{x}/{y}");
        drawn += usize::from(tile.is_some_and(|tile| tile.windows(5).any(|word| word == b"roads")));
    }
    assert!(drawn > 20, "{drawn} tiles with streets");
    assert_eq!(kept.tile(14, 0, 0).unwrap(), None);
    assert_eq!(kept.tile(40, 0, 0).unwrap(), None);
}

#[test]
fn p2_directories_below_directories_are_followed() {
    let tiles: Vec<_> = (0..400).map(|n| (9, n % 20, n / 20, vec![n as u8, 1, 2])).collect();
    let file = sample::write(&tiles, (9, 9), "hojas", true);
    let open = Tiles::open(file).unwrap();
    for (z, x, y, bytes) in &tiles {
        assert_eq!(open.tile(*z, *x, *y).unwrap().as_ref(), Some(bytes), "{z}/{x}/{y}");
    }
    assert_eq!(open.tile(9, 300, 300).unwrap(), None);
    assert!(number(9, 300, 300).is_some());
}

/// A file from anywhere neither ends the program nor fills its memory: every byte of the header and of the directory
/// turned, cuts at every length, and random damage.
#[test]
fn p2_a_hostile_file_is_refused_or_read_and_never_ends_the_program() {
    let file = sample::file();
    let (z, x, y) = *sample::tiles().last().unwrap();
    let look = |bytes: Vec<u8>| {
        if let Ok(tiles) = Tiles::open(bytes) {
            let _ = (tiles.tile(z, x, y), tiles.tile(0, 0, 0), tiles.about("name"), tiles.bounds());
        }
    };
    for at in 0..600.min(file.len()) {
        for value in [0, 1, 0x7f, 0x80, 0xff, file[at] ^ 1] {
            let mut mutated = file.clone();
            mutated[at] = value;
            look(mutated);
        }
    }
    for length in (0..file.len()).step_by(97) {
        look(file[..length].to_vec());
    }
    // A small generator of our own: the same damage in every run.
    let mut seed = 0x2026_1128_u64;
    let mut next = move || {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize
    };
    for _ in 0..2_000 {
        let mut mutated = file.clone();
        for _ in 0..1 + next() % 8 {
            let at = next() % mutated.len();
            mutated[at] = next() as u8;
        }
        look(mutated);
    }
    for nothing in [Vec::new(), b"PMTiles".to_vec(), vec![0; 127], b"<svg>".repeat(100)] {
        assert!(Tiles::open(nothing).is_err());
    }
}

/// A few bytes that become gigabytes are stopped at the limit.
#[test]
fn p2_a_tile_that_swells_is_refused() {
    let bomb = vec![0u8; 64 * 1024 * 1024];
    let file = sample::write(&[(9, 1, 1, bomb)], (9, 9), "bomba", false);
    assert!(file.len() < 200_000);
    let error = Tiles::open(file).unwrap().tile(9, 1, 1).unwrap_err();
    assert!(error.to_string().contains("too large"), "{error}");
}
