// swift-tools-version: 6.0
import PackageDescription

#if os(Linux)
    // This target links the static library of the core. Run `make swift-library` first: it writes the library and a .pc
    // file to target/swift. Then set PKG_CONFIG_PATH to that folder.
    let core = Target.systemLibrary(
        name: "HightouchNativeFFI",
        path: "bindings-swift/Sources/HightouchNativeFFI",
        pkgConfig: "hightouch-swift"
    )
#else
    // The repository cannot build this framework yet. So the package does not build on Apple platforms.
    let core = Target.binaryTarget(
        name: "HightouchNativeFFI",
        path: "bindings-swift/HightouchNativeFFI.xcframework"
    )
#endif

let package = Package(
    name: "hightouch-sdk",
    platforms: [.macOS(.v13), .iOS(.v16), .tvOS(.v16), .watchOS(.v9)],
    products: [.library(name: "HightouchSDK", targets: ["HightouchSDK"])],
    targets: [
        core,
        .target(
            name: "HightouchNative",
            dependencies: ["HightouchNativeFFI"],
            path: "bindings-swift/Sources/HightouchNative"
        ),
        .target(
            name: "HightouchSDK",
            dependencies: ["HightouchNative"],
            path: "bindings-swift/Sources/HightouchSDK"
        ),
        .executableTarget(
            name: "trigger-and-wait",
            dependencies: ["HightouchSDK"],
            path: "bindings-swift/Examples/trigger-and-wait"
        ),
        .executableTarget(
            name: "resume",
            dependencies: ["HightouchSDK"],
            path: "bindings-swift/Examples/resume"
        ),
        .executableTarget(
            name: "load",
            dependencies: ["HightouchSDK"],
            path: "tests/fleet/swift"
        ),
        .executableTarget(
            name: "nightly",
            dependencies: ["HightouchSDK"],
            path: "bindings-swift/Examples/nightly"
        ),
        .executableTarget(
            name: "five-syncs",
            dependencies: ["HightouchSDK"],
            path: "bindings-swift/Examples/five-syncs"
        ),
        .executableTarget(
            name: "week-of-runs",
            dependencies: ["HightouchSDK"],
            path: "bindings-swift/Examples/week-of-runs"
        ),
        .testTarget(
            name: "HightouchSDKTests",
            dependencies: ["HightouchSDK"],
            path: "bindings-swift/Tests/HightouchSDKTests"
        ),
    ],
    swiftLanguageModes: [.v6]
)
