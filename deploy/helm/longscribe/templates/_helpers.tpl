{{- define "longscribe.name" -}}
{{- if contains "longscribe" .Release.Name -}}{{ .Release.Name | trunc 50 | trimSuffix "-" }}{{- else -}}{{ printf "%s-longscribe" .Release.Name | trunc 50 | trimSuffix "-" }}{{- end -}}
{{- end -}}

{{- define "longscribe.selector" -}}
app.kubernetes.io/name: longscribe
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "longscribe.labels" -}}
{{ include "longscribe.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "longscribe.secret" -}}
{{- .Values.secret.existing | default (include "longscribe.name" .) -}}
{{- end -}}

{{- define "longscribe.image" -}}
{{- printf "%s:%s" .image.repository (.image.tag | default .root.Chart.AppVersion) -}}
{{- end -}}

{{/* What the chart decides goes before `settings`, and is refused there: see configmap.yaml. */}}
{{- define "longscribe.decided" -}}
LONGSCRIBE_DATA_DIR: /data
LONGSCRIBE_SIGN_IN: required
LONGSCRIBE_HOST: 0.0.0.0
LONGSCRIBE_PORT: "8000"
LONGSCRIBE_WORKER_HEALTH_HOST: 0.0.0.0
LONGSCRIBE_WORKER_HEALTH_PORT: "8001"
LONGSCRIBE_SOFT_SHUTDOWN_S: "60"
LONGSCRIBE_DATABASE_URL_FILE: /run/secrets/longscribe/database-url
LONGSCRIBE_REDIS_URL_FILE: /run/secrets/longscribe/redis-url
{{- end -}}

{{/* The variables of every container; the secrets are files, but for OpenTelemetry's. */}}
{{- define "longscribe.env" -}}
envFrom:
  - configMapRef: {name: {{ include "longscribe.name" . }}}
{{- with .Values.traces.secret }}
  - secretRef: {name: {{ . }}}
{{- end }}
{{- end -}}

{{- define "longscribe.pod" -}}
automountServiceAccountToken: false
# Else Kubernetes sets variables such as LONGSCRIBE_PORT for the services of the namespace.
enableServiceLinks: false
securityContext:
  runAsNonRoot: true
  runAsUser: 10001
  runAsGroup: 10001
  fsGroup: 10001
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
{{- with .Values.imagePullSecrets }}
imagePullSecrets: {{ toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{- define "longscribe.confined" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end -}}

{{- define "longscribe.mounts" -}}
- {name: tmp, mountPath: /tmp}
- {name: secrets, mountPath: /run/secrets/longscribe, readOnly: true}
{{- end -}}

{{- define "longscribe.volumes" -}}
- name: tmp
  emptyDir: {}
- name: secrets
  secret:
    secretName: {{ include "longscribe.secret" . }}
    defaultMode: 0440
{{- end -}}

{{- define "longscribe.data" -}}
- name: data
  persistentVolumeClaim:
    claimName: {{ .Values.persistence.data.existingClaim | default (printf "%s-data" (include "longscribe.name" .)) }}
{{- end -}}

{{/* A container that waits until the job has migrated the database; `image` and `root`. */}}
{{- define "longscribe.wait" -}}
- name: wait-for-schema
  image: {{ include "longscribe.image" . }}
  imagePullPolicy: {{ .image.pullPolicy }}
  command: [longscribe, migrate, --wait]
  {{- include "longscribe.env" .root | nindent 2 }}
  {{- include "longscribe.confined" .root | nindent 2 }}
  resources:
    requests: {cpu: 50m, memory: 128Mi}
    limits: {memory: 512Mi}
  volumeMounts: {{ include "longscribe.mounts" .root | nindent 4 }}
{{- end -}}
