// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "hightouch-bench",
    platforms: [.macOS(.v13)],
    // Names the dependency, because SwiftPM would use the name of the folder that contains the repository.
    dependencies: [.package(name: "hightouch-sdk", path: "../..")],
    targets: [
        .executableTarget(
            name: "lane",
            dependencies: [.product(name: "HightouchSDK", package: "hightouch-sdk")]
        )
    ],
    swiftLanguageModes: [.v6]
)
