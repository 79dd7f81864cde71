// swift-tools-version: 6.0
import PackageDescription

let package = Package(
    name: "hightouch-bench",
    platforms: [.macOS(.v13)],
    // Named, since a package at a path is known by its folder's name, which a clone may choose.
    dependencies: [.package(name: "hightouch-sdk", path: "../..")],
    targets: [
        .executableTarget(
            name: "lane",
            dependencies: [.product(name: "HightouchSDK", package: "hightouch-sdk")]
        )
    ],
    swiftLanguageModes: [.v6]
)
