// swift-tools-version: 6.0
import PackageDescription

// A package of its own: whoever depends on the SDK does not build its benchmark.
let package = Package(
    name: "lane",
    platforms: [.macOS(.v13)],
    dependencies: [.package(name: "hightouch-sdk", path: "../..")],
    targets: [
        .executableTarget(name: "lane", dependencies: [.product(name: "HightouchSDK", package: "hightouch-sdk")])
    ],
    swiftLanguageModes: [.v6]
)
