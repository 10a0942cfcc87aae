import CKaleidoscope

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What is handed to the library for the time of one call: C memory, freed with this.
final class Inputs {
    private var allocated: [UnsafeMutableRawPointer] = []

    deinit {
        for pointer in allocated { free(pointer) }
    }

    /// A NUL would silently cut the value short, so it is refused.
    func string(_ name: String, _ value: String?) throws(KaleidoscopeError) -> UnsafePointer<CChar>? {
        guard let value else { return nil }
        if value.utf8.contains(0) { throw .invalidArgument("\(name): it contains a NUL") }
        let copy = strdup(value)!
        allocated.append(copy)
        return UnsafePointer(copy)
    }

    func strings(_ name: String, _ values: [String]) throws(KaleidoscopeError) -> UnsafePointer<UnsafePointer<CChar>?>? {
        if values.isEmpty { return nil }
        let array: UnsafeMutablePointer<UnsafePointer<CChar>?> = room(values.count)
        for (index, value) in values.enumerated() { array[index] = try string(name, value) }
        return UnsafePointer(array)
    }

    func headers(_ values: [String: String]) throws(KaleidoscopeError) -> UnsafePointer<kal_header>? {
        if values.isEmpty { return nil }
        let array: UnsafeMutablePointer<kal_header> = room(values.count)
        for (index, (name, value)) in values.enumerated() {
            array[index] = kal_header(name: try string("headers", name), value: try string("headers", value))
        }
        return UnsafePointer(array)
    }

    private func room<Element>(_ count: Int) -> UnsafeMutablePointer<Element> {
        let memory = calloc(count, MemoryLayout<Element>.stride)!
        allocated.append(memory)
        return memory.assumingMemoryBound(to: Element.self)
    }
}

/// Whole milliseconds, rounded up, so that what is waited for is over when the library says so; 0, the library's default, for nil.
func milliseconds(_ name: String, _ duration: Duration?) throws(KaleidoscopeError) -> UInt32 {
    guard let duration else { return 0 }
    if duration < .zero { throw .invalidArgument("\(name): it is negative") }
    let (seconds, attoseconds) = duration.components
    if seconds >= Int64(UInt32.max) / 1000 { return .max }
    let part = attoseconds / 1_000_000_000_000_000 + (attoseconds % 1_000_000_000_000_000 == 0 ? 0 : 1)
    // What is shorter than a millisecond is no default.
    return UInt32(max(seconds * 1000 + part, 1))
}

func number<Number: FixedWidthInteger>(_ name: String, _ value: Int?) throws(KaleidoscopeError) -> Number {
    guard let value else { return 0 }
    guard value > 0, let number = Number(exactly: value) else { throw .invalidArgument("\(name): it is out of range") }
    return number
}
