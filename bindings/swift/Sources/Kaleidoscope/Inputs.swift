import CKaleidoscope

/// Owns the C memory that is passed to the library during one call.
final class Inputs {
    private var allocated: [UnsafeMutableRawPointer] = []

    deinit {
        for pointer in allocated { pointer.deallocate() }
    }

    /// A value with a NUL is rejected, because C would truncate it there.
    func string(_ name: String, _ value: String?) throws(KaleidoscopeError) -> UnsafePointer<CChar>? {
        guard let value else { return nil }
        if value.utf8.contains(0) { throw .invalidArgument("\(name): contains a NUL") }
        let copy: UnsafeMutablePointer<CChar> = allocate(value.utf8.count + 1)
        value.withCString { copy.initialize(from: $0, count: value.utf8.count + 1) }
        return UnsafePointer(copy)
    }

    func strings(_ name: String, _ values: [String]) throws(KaleidoscopeError) -> UnsafePointer<UnsafePointer<CChar>?>? {
        if values.isEmpty { return nil }
        let array: UnsafeMutablePointer<UnsafePointer<CChar>?> = allocate(values.count)
        for (index, value) in values.enumerated() { (array + index).initialize(to: try string(name, value)) }
        return UnsafePointer(array)
    }

    func headers(_ values: [String: String]) throws(KaleidoscopeError) -> UnsafePointer<kal_header>? {
        if values.isEmpty { return nil }
        let array: UnsafeMutablePointer<kal_header> = allocate(values.count)
        for (index, (name, value)) in values.enumerated() {
            (array + index).initialize(to: kal_header(name: try string("headers", name), value: try string("headers", value)))
        }
        return UnsafePointer(array)
    }

    private func allocate<Element>(_ count: Int) -> UnsafeMutablePointer<Element> {
        let memory = UnsafeMutablePointer<Element>.allocate(capacity: count)
        allocated.append(memory)
        return memory
    }
}

/// Whole milliseconds, rounded up, so that the duration has passed when the library times out; 0, the library's default, for nil.
func milliseconds(_ name: String, _ duration: Duration?) throws(KaleidoscopeError) -> UInt32 {
    guard let duration else { return 0 }
    if duration < .zero { throw .invalidArgument("\(name): must not be negative") }
    return wholeMilliseconds(duration)
}

/// At least 1, as 0 means the default. The largest number is no limit.
func wholeMilliseconds(_ duration: Duration) -> UInt32 {
    let (seconds, attoseconds) = duration.components
    if seconds >= Int64(UInt32.max) / 1000 { return .max }
    let part = attoseconds / 1_000_000_000_000_000 + (attoseconds % 1_000_000_000_000_000 == 0 ? 0 : 1)
    return UInt32(max(seconds * 1000 + part, 1))
}

func number<Number: FixedWidthInteger>(_ name: String, _ value: Int?) throws(KaleidoscopeError) -> Number {
    guard let value else { return 0 }
    guard value > 0, let number = Number(exactly: value) else { throw .invalidArgument("\(name): out of range") }
    return number
}
