// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "kaleidoscope",
    platforms: [.macOS(.v15)],
    products: [.library(name: "Kaleidoscope", targets: ["Kaleidoscope"])],
    targets: [
        .systemLibrary(name: "CKaleidoscope", pkgConfig: "kaleidoscope", providers: [.apt(["libkaleidoscope-dev"])]),
        .target(name: "Kaleidoscope", dependencies: ["CKaleidoscope"]),
        .executableTarget(name: "members", dependencies: ["Kaleidoscope"], path: "Examples/members"),
        .testTarget(name: "KaleidoscopeTests", dependencies: ["Kaleidoscope"]),
    ],
    swiftLanguageModes: [.v6]
)
