// swift-tools-version: 6.0
import PackageDescription

// The Swift package. It is at the top of the repository because SwiftPM looks for it nowhere else; all else of it is in bindings/swift.

/// The published xcframework of this version; scripts/xcframework.sh prints the checksum. nil: there is none yet.
let published: (url: String, checksum: String)? = nil

/// The C library: an xcframework, which is what iOS needs, or the library that is installed on the machine. KALEIDOSCOPE_XCFRAMEWORK is the
/// path, from this folder, of an xcframework that scripts/xcframework.sh made.
func library() -> Target {
    if let path = Context.environment["KALEIDOSCOPE_XCFRAMEWORK"] {
        return .binaryTarget(name: "CKaleidoscope", path: path)
    }
    #if canImport(Darwin)
    if let published {
        return .binaryTarget(name: "CKaleidoscope", url: published.url, checksum: published.checksum)
    }
    #endif
    return .systemLibrary(
        name: "CKaleidoscope", path: "bindings/swift/Sources/CKaleidoscope", pkgConfig: "kaleidoscope",
        providers: [.apt(["libkaleidoscope-dev"])])
}

let package = Package(
    name: "kaleidoscope",
    // The first with Synchronization.
    platforms: [.macOS(.v15), .iOS(.v18)],
    products: [.library(name: "Kaleidoscope", targets: ["Kaleidoscope"])],
    targets: [
        library(),
        .target(name: "Kaleidoscope", dependencies: ["CKaleidoscope"], path: "bindings/swift/Sources/Kaleidoscope"),
        .testTarget(name: "KaleidoscopeTests", dependencies: ["Kaleidoscope"], path: "bindings/swift/Tests/KaleidoscopeTests"),
    ],
    swiftLanguageModes: [.v6]
)
