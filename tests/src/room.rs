//! Disks that fill up. A small tmpfs where mounting is permitted (root in its own machine); a limit on the size of a
//! file otherwise, which a program meets as it would a quota. Which of both ran is printed.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program that may not write a file larger than so many bytes. The signal that would end it is ignored, so that it
/// sees the error that a full disk gives.
pub fn limited(program: &Path, largest_file: Option<u64>) -> Command {
    let Some(bytes) = largest_file else { return Command::new(program) };
    let mut command = Command::new("sh");
    // POSIX counts in blocks of 512 bytes.
    let script = format!("trap '' XFSZ; ulimit -f {}; exec \"$0\" \"$@\"", bytes / 512);
    command.arg("-c").arg(script).arg(program);
    command
}

/// A folder whose disk can be filled and emptied.
pub struct Room {
    folder: PathBuf,
    mounted: bool,
}

impl Room {
    /// A folder with a disk of so many KiB, if mounting is permitted.
    pub fn new(folder: &Path, kib: u64) -> Room {
        std::fs::create_dir_all(folder).expect("a folder of ours");
        let mounted =
            run("mount", &["-t", "tmpfs", "-o", &format!("size={kib}k"), "avance-room", text(folder)]);
        println!(
            "{}: {}",
            folder.display(),
            if mounted {
                "a small tmpfs"
            } else {
                "a limit on the size of a file (mounting is not permitted)"
            }
        );
        Room { folder: folder.to_owned(), mounted }
    }

    /// Takes what is left, except for so many bytes. Where there is no disk of its own, gives the largest size of a
    /// file for the programs: what the largest of `data` has, and the same bytes more.
    #[must_use]
    pub fn fill(&self, data: &Path, spare: u64) -> Option<u64> {
        if !self.mounted {
            let size = |path: &PathBuf| std::fs::metadata(path).map_or(0, |found| found.len());
            let largest = crate::files_under(data).iter().map(size).max().unwrap_or(0);
            return Some(largest + spare);
        }
        let mut filler = File::create(self.filler()).expect("the disk is not full yet");
        let piece = [0u8; 4096];
        let mut written = 0;
        while filler.write_all(&piece).is_ok() {
            written += piece.len() as u64;
        }
        filler.set_len(written.saturating_sub(spare)).expect("a file can be shortened");
        None
    }

    /// Gives the room back.
    pub fn free(&self) {
        if self.mounted {
            let _ = std::fs::remove_file(self.filler());
        }
    }

    /// Makes the folder read-only. Answers whether that was possible.
    pub fn read_only(&self, yes: bool) -> bool {
        if self.mounted {
            return run("mount", &["-o", if yes { "remount,ro" } else { "remount,rw" }, text(&self.folder)]);
        }
        run("chmod", &["-R", if yes { "a-w" } else { "u+w" }, text(&self.folder)]);
        // Permissions are nothing to root.
        File::create(self.folder.join("probe")).is_err() == yes
    }

    fn filler(&self) -> PathBuf {
        self.folder.join("filler")
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.mounted && !run("umount", &[text(&self.folder)]) {
            // Somebody is still in it; it goes when they do.
            run("umount", &["-l", text(&self.folder)]);
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

fn run(program: &str, arguments: &[&str]) -> bool {
    Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success())
}
