//! Huge pages for what is large.

/// What is at least this large has a mapping of its own in glibc, unless its heap has that much free, and in musl. With other allocators,
/// the advice stays with the addresses after the memory was freed.
const MIN_LEN: usize = 32 << 20;

/// Asks for huge pages for an allocation, if it is large: the first use of a page takes a fault, which costs more than what is written
/// to it. Where there are none, nothing changes. Called before most of it is written.
pub(crate) fn prefer_huge_pages<T>(allocated: &Vec<T>) {
    let length = allocated.capacity() * size_of::<T>();
    if length >= MIN_LEN {
        advise(allocated.as_ptr().cast_mut().cast(), length);
    }
}

/// The size of a page where a huge one is 2 MiB. With larger pages it is 32 or 512 MiB, most of which may never be written.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn page() -> Option<usize> {
    // SAFETY: it only returns a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    usize::try_from(page).ok().filter(|page| *page == 4096)
}

/// Advises whole pages, so all of the mapping: one that is partly advised is two for the system, and cannot be moved when it grows.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn advise(start: *mut std::ffi::c_void, length: usize) {
    let Some(page) = page() else { return };
    let before = start.addr() % page;
    // SAFETY: how pages are mapped does not change what they contain, whoever owns the parts of the first and the last one that are
    // beyond the allocation.
    unsafe {
        libc::madvise(start.wrapping_byte_sub(before), (before + length).next_multiple_of(page), libc::MADV_HUGEPAGE)
    };
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn advise(_start: *mut std::ffi::c_void, _length: usize) {}

/// Whether the whole allocation is one mapping with huge pages, for tests. None: the system has none.
#[cfg(all(test, target_os = "linux"))]
pub(crate) fn prefers_huge_pages<T>(allocated: &Vec<T>) -> Option<bool> {
    if page().is_none() || !std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
        return None;
    }
    let start = allocated.as_ptr().addr();
    let end = start + allocated.capacity() * size_of::<T>();
    let number = |text| usize::from_str_radix(text, 16);
    let maps = std::fs::read_to_string("/proc/self/smaps").expect("the mappings");
    let mut range = 0..0;
    for line in maps.lines() {
        let first = line.split_ascii_whitespace().next().and_then(|first| first.split_once('-'));
        if let Some((Ok(start), Ok(end))) = first.map(|(start, end)| (number(start), number(end))) {
            range = start..end;
        } else if let Some(flags) = line.strip_prefix("VmFlags:").filter(|_| range.contains(&start)) {
            return Some(end <= range.end && flags.split(' ').any(|flag| flag == "hg"));
        }
    }
    panic!("{start:#x} is not mapped");
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// Red when only a part of the allocation is advised: it consists of several mappings, which grow by being copied.
    #[test]
    fn what_is_large_is_one_mapping_with_huge_pages_and_grows_as_one() {
        let mut bytes: Vec<u8> = Vec::with_capacity(MIN_LEN + 16);
        prefer_huge_pages(&bytes);
        for capacity in [MIN_LEN + 16, 3 * MIN_LEN, 7 * MIN_LEN] {
            bytes.reserve_exact(capacity);
            assert_ne!(prefers_huge_pages(&bytes), Some(false), "{capacity}");
        }
        let small: Vec<u8> = Vec::with_capacity(MIN_LEN - 1);
        prefer_huge_pages(&small);
        assert_ne!(prefers_huge_pages(&small), Some(true));
    }
}
