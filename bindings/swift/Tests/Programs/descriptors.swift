// descriptors NUMBER [first]: opens a client and makes a call with so many free descriptors, and again when there are enough. With
// `first` nothing of the process has used Dispatch before, and only the client is opened.
import Dispatch
import Kaleidoscope

#if canImport(Darwin)
import Darwin
let openFiles = RLIMIT_NOFILE
#else
import Glibc
let openFiles = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
#endif

/// Occupies all descriptors but a number of them.
func occupy(exceptFor free: Int) -> [Int32] {
    var limit = rlimit()
    getrlimit(openFiles, &limit)
    limit.rlim_cur = 64
    setrlimit(openFiles, &limit)
    var occupied: [Int32] = []
    while case let descriptor = dup(0), descriptor >= 0 { occupied.append(descriptor) }
    for _ in 0..<free { close(occupied.removeLast()) }
    return occupied
}

func attempt() async -> String {
    do {
        return "\(try await Client().workspace.members().count) members"
    } catch {
        return "\(error)"
    }
}

let isFirst = CommandLine.arguments.count > 2
// The executor of Swift opens three descriptors with its first timer, and ends the process if it cannot.
if !isFirst { try await Task.sleep(for: .milliseconds(1)) }
let occupied = occupy(exceptFor: Int(CommandLine.arguments[1])!)
if isFirst {
    do {
        _ = try Client()
        // Returns when Dispatch has its descriptors.
        let started = DispatchSemaphore(value: 0)
        DispatchQueue.global().asyncAfter(deadline: .now()) { started.signal() }
        started.wait()
        print("without descriptors: a client")
    } catch {
        print("without descriptors: \(error)")
    }
} else {
    print("without descriptors: \(await attempt())")
}
for descriptor in occupied { close(descriptor) }
print("with descriptors: \(await attempt())")
