//! Huge pages for what is large.

/// What is at least this large has a mapping of its own in glibc, unless its heap has that much free, and in musl. With other allocators,
/// the advice stays with the addresses after the memory was freed.
const MIN_LEN: usize = 32 << 20;

/// Asks for huge pages for what was allocated and not written yet, if it is large: the first use of a page takes a fault, which costs
/// more than what is written. Where there are none, nothing changes.
pub(crate) fn prefer_huge_pages<T>(allocated: &Vec<T>) {
    let length = allocated.capacity() * size_of::<T>();
    if length >= MIN_LEN {
        advise(allocated.as_ptr().cast_mut().cast(), length);
    }
}

/// With pages of this size, a huge one is 2 MiB. With larger pages it is 32 or 512 MiB, most of which may never be written.
#[cfg(any(target_os = "linux", target_os = "android"))]
const PAGE: usize = 4096;

/// Advises whole pages, so all of the mapping: one that is partly advised is two for the system, and cannot be moved when it grows.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn advise(start: *mut std::ffi::c_void, length: usize) {
    // SAFETY: it only returns a number.
    let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
    let Ok(page) = usize::try_from(page) else { return };
    if page != PAGE {
        return;
    }
    let before = start.addr() % page;
    // SAFETY: how pages are mapped does not change what they contain, whoever owns the parts of the first and the last one that are
    // beyond the allocation.
    unsafe {
        libc::madvise(start.wrapping_byte_sub(before), (before + length).next_multiple_of(page), libc::MADV_HUGEPAGE)
    };
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn advise(_start: *mut std::ffi::c_void, _length: usize) {}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    /// The mapping in which `address` lies, from `/proc/self/smaps`: its range, and its flags.
    fn mapping(address: usize) -> (std::ops::Range<usize>, String) {
        let maps = std::fs::read_to_string("/proc/self/smaps").expect("the mappings");
        let mut range = 0..0;
        for line in maps.lines() {
            let first = line.split_ascii_whitespace().next().and_then(|first| first.split_once('-'));
            let number = |text| usize::from_str_radix(text, 16);
            if let Some((Ok(start), Ok(end))) = first.map(|(start, end)| (number(start), number(end))) {
                range = start..end;
            } else if let Some(flags) = line.strip_prefix("VmFlags:").filter(|_| range.contains(&address)) {
                return (range, flags.to_owned());
            }
        }
        panic!("{address:#x} is not mapped");
    }

    /// Red when only a part of the allocation is advised: it consists of several mappings, which grow by being copied.
    #[test]
    fn what_is_large_is_one_mapping_with_huge_pages_and_grows_as_one() {
        if !std::path::Path::new("/sys/kernel/mm/transparent_hugepage").exists() {
            eprintln!("this kernel has no huge pages");
            return;
        }
        let mut bytes: Vec<u8> = Vec::with_capacity(MIN_LEN + 16);
        prefer_huge_pages(&bytes);
        for capacity in [MIN_LEN + 16, 3 * MIN_LEN, 7 * MIN_LEN] {
            bytes.reserve_exact(capacity);
            let (range, flags) = mapping(bytes.as_ptr().addr());
            assert!(flags.split(' ').any(|flag| flag == "hg"), "{capacity}: {flags}");
            assert!(bytes.as_ptr().addr() + bytes.capacity() <= range.end, "{capacity}: {range:x?}");
        }
        let small: Vec<u8> = Vec::with_capacity(MIN_LEN - 1);
        prefer_huge_pages(&small);
        let (_, flags) = mapping(small.as_ptr().addr());
        assert!(!flags.contains(" hg"), "{flags}");
    }
}
