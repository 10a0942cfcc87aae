#if canImport(FoundationEssentials)
import FoundationEssentials
#else
import Foundation
#endif

extension Date {
    init(microseconds: Int64) {
        self.init(timeIntervalSince1970: Double(microseconds) / 1_000_000)
    }
}

/// Reads `created_at` of an event as the library does, in microseconds since 1970: DATES in kaleidoscope.h is the definition.
func eventTime(_ text: String) -> Int64? {
    var reader = Reader(Array(text.utf8))
    return reader.calendar() ?? unixTime(text)
}

/// Unix seconds, or milliseconds beyond 20,000,000,000: an integer or a decimal.
private func unixTime(_ text: String) -> Int64? {
    let largestSeconds: Int64 = 20_000_000_000
    let (year1, year10000): (Int64, Int64) = (-62_135_596_800_000_000, 253_402_300_800_000_000)
    let unsigned = text.utf8.dropFirst(text.hasPrefix("+") || text.hasPrefix("-") ? 1 : 0)
    let afterDigits = unsigned.drop { (48...57).contains($0) }.first
    let (whole, part): (Int64, Double)
    if afterDigits == nil, let number = Int64(text) {
        (whole, part) = (number, 0)
    } else if afterDigits == UInt8(ascii: "."), let number = Double(text), let units = Int64(exactly: number.rounded(.down)) {
        // The part is apart because a double is too small for microseconds since 1970.
        (whole, part) = (units, number - number.rounded(.down))
    } else {
        return nil
    }
    let isSeconds = (Double(whole) + part).magnitude <= Double(largestSeconds)
    let unit: Int64 = isSeconds ? 1_000_000 : 1_000
    let (time, overflow) = whole.multipliedReportingOverflow(by: unit)
    if overflow { return nil }
    let rounded = time + Int64((part * Double(unit)).rounded())
    return (year1..<year10000).contains(rounded) ? rounded : nil
}

/// Reads a date, alone or with a time of day.
private struct Reader {
    private var rest: ArraySlice<UInt8>

    init(_ text: [UInt8]) {
        rest = text[...]
    }

    mutating func calendar() -> Int64? {
        guard let days = date() else { return nil }
        if rest.isEmpty { return days * 86_400_000_000 }
        guard skip("Tt _"), let hour = number(2), hour < 24, skip(":"), let minute = number(2), minute < 60 else { return nil }
        var second: Int64 = 0
        var microsecond: Int64 = 0
        if skip(":") {
            guard let read = number(2), read <= 60 else { return nil }
            second = read
            if skip(".,") {
                guard let read = fraction() else { return nil }
                microsecond = read
            }
        }
        guard let offset = offset() else { return nil }
        let time = days * 86_400 + hour * 3_600 + minute * 60 + second - offset * 60
        // Leap seconds are the last of a month, in UTC, and are the second after it.
        if second == 60, time % 86_400 != 0 || !isFirstOfMonth(time / 86_400) { return nil }
        return time * 1_000_000 + microsecond
    }

    /// `YYYY-MM-DD` as days since 1970.
    private mutating func date() -> Int64? {
        guard let year = number(4), skip("-"), let month = number(2), skip("-"), let day = number(2), (1...12).contains(month) else {
            return nil
        }
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let lengths: [Int64] = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        guard (1...lengths[Int(month) - 1]).contains(day) else { return nil }
        return days(year, month, day)
    }

    private mutating func fraction() -> Int64? {
        let digits = rest.prefix { (48...57).contains($0) }
        if digits.isEmpty { return nil }
        rest = rest.dropFirst(digits.count)
        return (0..<6).reduce(0) { value, place in
            value * 10 + (place < digits.count ? Int64(digits[digits.startIndex + place] - 48) : 0)
        }
    }

    /// The minutes of what is left: nothing, `Z`, or `+HH:MM`, also without the colon.
    private mutating func offset() -> Int64? {
        if rest.isEmpty { return 0 }
        if skip("Zz") { return rest.isEmpty ? 0 : nil }
        let sign: Int64
        if skip("+") {
            sign = 1
        } else if skip("-") || skipMinusSign() {
            sign = -1
        } else {
            return nil
        }
        guard let hours = number(2), hours < 24 else { return nil }
        _ = skip(":")
        guard let minutes = number(2), minutes < 60, rest.isEmpty else { return nil }
        return sign * (hours * 60 + minutes)
    }

    /// U+2212.
    private mutating func skipMinusSign() -> Bool {
        guard rest.starts(with: [0xE2, 0x88, 0x92]) else { return false }
        rest = rest.dropFirst(3)
        return true
    }

    private mutating func skip(_ any: StaticString) -> Bool {
        guard let next = rest.first, any.withUTF8Buffer({ $0.contains(next) }) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private mutating func number(_ count: Int) -> Int64? {
        let digits = rest.prefix(count)
        guard digits.count == count, digits.allSatisfy({ (48...57).contains($0) }) else { return nil }
        rest = rest.dropFirst(count)
        return digits.reduce(0) { $0 * 10 + Int64($1 - 48) }
    }
}

/// With years that start in March, the leap day is the last of a year.
private func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
    let (year, month) = month > 2 ? (year, month - 3) : (year - 1, month + 9)
    // Not negative, so that divisions round down: a cycle of 400 years has 146,097 days.
    let shifted = year + 400
    let leapDays = shifted / 4 - shifted / 100 + shifted / 400
    return shifted * 365 + leapDays + (153 * month + 2) / 5 + day - 1 - 719_468 - 146_097
}

private func isFirstOfMonth(_ day: Int64) -> Bool {
    let about = 1970 + Int64((Double(day) / 365.2425).rounded(.down))
    return (about - 1...about + 1).contains { year in (1...12).contains { month in days(year, month, 1) == day } }
}
