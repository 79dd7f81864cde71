// swift-tools-version: 6.0
// A package as a user has it: it depends on this repository by its URL. `bindings-swift/outside` builds and tests it.
import PackageDescription

let package = Package(
    name: "job",
    platforms: [.macOS(.v13)],
    dependencies: [.package(url: Context.environment["HIGHTOUCH_SDK_URL"] ?? "", from: "0.1.0")],
    targets: [
        .target(name: "Job", dependencies: [.product(name: "HightouchSDK", package: "hightouch-sdk")]),
        .executableTarget(name: "nightly", dependencies: ["Job"]),
        .testTarget(
            name: "JobTests", dependencies: ["Job", .product(name: "HightouchTesting", package: "hightouch-sdk")]),
    ],
    swiftLanguageModes: [.v6]
)
