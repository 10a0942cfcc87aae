// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "members",
    dependencies: [.package(url: "https://kaleidoscope.bio/kaleidoscope.git", from: "0.2.0")],
    targets: [
        .executableTarget(name: "members", dependencies: [.product(name: "Kaleidoscope", package: "kaleidoscope")])
    ]
)
