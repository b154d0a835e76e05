// Sentry's mobile and desktop platforms, which have adoption stages and the adoption chart.

const mobile = new Set([
  "android", "apple-ios", "capacitor", "cocoa", "cocoa-objc", "cocoa-swift", "cordova", "dart-flutter",
  "dotnet-maui", "dotnet-xamarin", "flutter", "ios", "ionic", "java-android", "kotlin",
  "react-native", "swift", "unity",
]);

const desktop = new Set([
  "apple", "apple-macos", "dart", "dotnet", "dotnet-winforms", "dotnet-wpf", "electron", "godot",
  "javascript-electron", "java", "macos", "minidump", "native", "native-breakpad", "native-crashpad",
  "native-minidump", "native-qt", "rust", "unreal",
]);

export const isMobile = (platform) => mobile.has(platform);
export const isApplication = (platform) => mobile.has(platform) || desktop.has(platform);
