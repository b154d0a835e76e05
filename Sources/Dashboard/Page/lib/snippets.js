// Snippets to paste into an application, with its DSN. All SDKs start sessions automatically, except
// for Python scripts.

export const snippets = [
  { name: "Browser", language: "js", code: (dsn) => `import * as Sentry from "@sentry/browser";

Sentry.init({
  dsn: "${dsn}",
  release: "my-app@1.0.0",
  environment: "production",
});` },
  { name: "Android", language: "xml", code: (dsn) => `<!-- AndroidManifest.xml; the release defaults to package@versionName+versionCode -->
<application>
  <meta-data android:name="io.sentry.dsn" android:value="${dsn}" />
  <meta-data android:name="io.sentry.environment" android:value="production" />
</application>` },
  { name: "iOS", language: "swift", code: (dsn) => `import Sentry

SentrySDK.start { options in
  options.dsn = "${dsn}"
  options.environment = "production"
}  // the release defaults to bundle@version+build` },
  { name: "Flutter", language: "dart", code: (dsn) => `import 'package:sentry_flutter/sentry_flutter.dart';

await SentryFlutter.init((options) {
  options.dsn = '${dsn}';
  options.environment = 'production';
}, appRunner: () => runApp(MyApp()));` },
  { name: "React Native", language: "js", code: (dsn) => `import * as Sentry from "@sentry/react-native";

Sentry.init({
  dsn: "${dsn}",
  environment: "production",
});` },
  { name: "Node", language: "js", code: (dsn) => `const Sentry = require("@sentry/node");

Sentry.init({
  dsn: "${dsn}",
  release: "my-server@1.0.0",
  environment: "production",
});` },
  { name: "Python", language: "python", code: (dsn) => `import sentry_sdk

sentry_sdk.init(
    dsn="${dsn}",
    release="my-app@1.0.0",
    environment="production",
)
# Web frameworks start sessions automatically; a script starts one explicitly:
sentry_sdk.get_isolation_scope().start_session(session_mode="application")` },
  { name: ".NET", language: "csharp", code: (dsn) => `SentrySdk.Init(options =>
{
    options.Dsn = "${dsn}";
    options.Release = "my-app@1.0.0";
    options.Environment = "production";
    options.AutoSessionTracking = true;
});` },
  { name: "Native", language: "c", code: (dsn) => `#include <sentry.h>

sentry_options_t *options = sentry_options_new();
sentry_options_set_dsn(options, "${dsn}");
sentry_options_set_release(options, "my-app@1.0.0");
sentry_options_set_environment(options, "production");
sentry_init(options);  /* and sentry_close() at the end */` },
  { name: "Shell", language: "sh", code: (dsn) => {
    const { protocol, username, host, pathname } = new URL(dsn);
    const project = pathname.split("/").pop();
    return `now=$(date -u +%Y-%m-%dT%H:%M:%SZ)
printf '{}\\n{"type":"session"}\\n{"sid":"%s","init":true,"started":"%s","status":"exited","attrs":{"release":"my-app@1.0.0","environment":"production"}}\\n' \\
  "$(cat /proc/sys/kernel/random/uuid)" "$now" |
  curl --data-binary @- '${protocol}//${host}${pathname.slice(0, -project.length)}api/${project}/envelope/?sentry_key=${username}'`;
  } },
];

/** The name of the snippet for a project's platform. */
export function snippetOf(platform) {
  const found = [
    [/android/, "Android"], [/ios|cocoa|apple|swift|macos/, "iOS"], [/flutter|dart/, "Flutter"], [/react-native/, "React Native"],
    [/node/, "Node"], [/python/, "Python"], [/dotnet|csharp/, ".NET"], [/native|minidump|unreal/, "Native"],
  ].find(([pattern]) => pattern.test(platform ?? ""));
  return found ? found[1] : "Browser";
}
