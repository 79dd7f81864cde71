// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "hightouch-bench",
    platforms: [.macOS(.v13)],
    // `name` is necessary: by default, SwiftPM names the dependency after the folder that contains the repository.
    dependencies: [.package(name: "hightouch-sdk", path: "../..")],
    targets: [
        .executableTarget(
            name: "lane",
            dependencies: [.product(name: "HightouchSDK", package: "hightouch-sdk")]
        )
    ],
    swiftLanguageModes: [.v6]
)
