// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "hightouch-bench",
    platforms: [.macOS(.v13)],
    // The dependency is named here, because SwiftPM otherwise uses the name of the clone's folder.
    dependencies: [.package(name: "hightouch-sdk", path: "../..")],
    targets: [
        .executableTarget(
            name: "lane",
            dependencies: [.product(name: "HightouchSDK", package: "hightouch-sdk")]
        )
    ],
    swiftLanguageModes: [.v6]
)
