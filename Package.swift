// swift-tools-version: 6.0
import PackageDescription

// The archives of the core in a release. `bindings-swift/release-manifest` sets this constant in the commit that gets
// the tag of the release. If the constant is nil, the core comes from a local build.
let release: (folder: String, linux: String, apple: String)? = nil

// With HIGHTOUCH_SWIFT_CORE=local, even a release uses a local build of the core.
let isLocal = release == nil || Context.environment["HIGHTOUCH_SWIFT_CORE"] == "local"

func downloaded(_ file: String, _ checksum: String?) -> Target {
    .binaryTarget(name: "HightouchNativeFFI", url: "\(release?.folder ?? "")/\(file)", checksum: checksum ?? "")
}

#if os(Linux)
    // The static library of the core. SwiftPM finds the library through the file `hightouch-swift.pc`. The command
    // `make swift-library` writes the library and this file to target/swift, and the script `bindings-swift/artifact`
    // packs both files into the archive of a release.
    let installed = Target.systemLibrary(
        name: "HightouchNativeFFI",
        path: "bindings-swift/Sources/HightouchNativeFFI",
        pkgConfig: "hightouch-swift"
    )
    // Older versions of SwiftPM cannot download a static library for Linux.
    #if compiler(>=6.2)
        let core = isLocal ? installed : downloaded("HightouchNativeFFI.artifactbundle.zip", release?.linux)
    #else
        let core = installed
    #endif
#else
    // The script `bindings-swift/xcframework` builds this framework. The script has not been run yet.
    let core =
        isLocal
        ? Target.binaryTarget(name: "HightouchNativeFFI", path: "bindings-swift/HightouchNativeFFI.xcframework")
        : downloaded("HightouchNativeFFI.xcframework.zip", release?.apple)
#endif

let package = Package(
    name: "hightouch-sdk",
    platforms: [.macOS(.v13), .iOS(.v16)],
    products: [
        .library(name: "HightouchSDK", targets: ["HightouchSDK"]),
        .library(name: "HightouchTesting", targets: ["HightouchTesting"]),
    ],
    targets: [
        core,
        .target(
            name: "HightouchNative",
            dependencies: ["HightouchNativeFFI"],
            path: "bindings-swift/Sources/HightouchNative",
            linkerSettings: [
                .linkedFramework("CoreFoundation", .when(platforms: [.macOS, .iOS])),
                .linkedFramework("Security", .when(platforms: [.macOS, .iOS])),
                .linkedFramework("SystemConfiguration", .when(platforms: [.macOS, .iOS])),
            ]
        ),
        .target(
            name: "HightouchSDK",
            dependencies: ["HightouchNative"],
            path: "bindings-swift/Sources/HightouchSDK"
        ),
        .target(
            name: "HightouchTesting",
            dependencies: ["HightouchSDK"],
            path: "bindings-swift/Sources/HightouchTesting"
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
        .testTarget(
            name: "HightouchTestingTests",
            dependencies: ["HightouchTesting"],
            path: "bindings-swift/Tests/HightouchTestingTests"
        ),
    ],
    swiftLanguageModes: [.v6]
)
