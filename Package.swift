// swift-tools-version: 6.0
import PackageDescription

#if os(Linux)
    // `make swift-library` builds the library and writes the .pc file; PKG_CONFIG_PATH must name its folder.
    let core = Target.systemLibrary(
        name: "HightouchNativeFFI",
        path: "bindings-swift/Sources/HightouchNativeFFI",
        pkgConfig: "hightouch-swift"
    )
#else
    // Nothing here builds this framework yet: on Apple platforms the package has never been run.
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
        .testTarget(
            name: "HightouchSDKTests",
            dependencies: ["HightouchSDK"],
            path: "bindings-swift/Tests/HightouchSDKTests"
        ),
    ],
    swiftLanguageModes: [.v6]
)
