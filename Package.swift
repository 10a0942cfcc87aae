// swift-tools-version: 6.0
import PackageDescription

// The Swift package. It is at the top of the repository because SwiftPM looks for it nowhere else; all else of it is in bindings/swift.
// Linux only: there is no build of the C library for another platform.
let package = Package(
    name: "kaleidoscope",
    products: [.library(name: "Kaleidoscope", targets: ["Kaleidoscope"])],
    targets: [
        .systemLibrary(
            name: "CKaleidoscope", path: "bindings/swift/Sources/CKaleidoscope", pkgConfig: "kaleidoscope",
            providers: [.apt(["libkaleidoscope-dev"])]),
        .target(name: "Kaleidoscope", dependencies: ["CKaleidoscope"], path: "bindings/swift/Sources/Kaleidoscope"),
        .testTarget(name: "KaleidoscopeTests", dependencies: ["Kaleidoscope"], path: "bindings/swift/Tests/KaleidoscopeTests"),
    ],
    swiftLanguageModes: [.v6]
)
