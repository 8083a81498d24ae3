package archtest

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"sigs.k8s.io/yaml"
)

// kinds are the types that a manifest is decoded into: a field that they do not have, or of
// another type, is an error.
var kinds = map[string]func() any{
	"v1/PersistentVolumeClaim": func() any { return &corev1.PersistentVolumeClaim{} }, "v1/Service": func() any { return &corev1.Service{} },
	"apps/v1/Deployment": func() any { return &appsv1.Deployment{} }, "batch/v1/Job": func() any { return &batchv1.Job{} },
	"policy/v1/PodDisruptionBudget": func() any { return &policyv1.PodDisruptionBudget{} },
}

// manifest decodes every object of a text.
func manifest(text string) (map[string]any, error) {
	out := map[string]any{}
	for _, part := range strings.Split(text, "\n---\n") {
		var head struct {
			APIVersion, Kind string
			Metadata         struct{ Name string }
		}
		if err := yaml.Unmarshal([]byte(part), &head); err != nil {
			return nil, err
		}
		make := kinds[head.APIVersion+"/"+head.Kind]
		if make == nil {
			return nil, fmt.Errorf("no kind %s/%s", head.APIVersion, head.Kind)
		}
		object := make()
		if err := yaml.UnmarshalStrict([]byte(part), object); err != nil {
			return nil, fmt.Errorf("%s %s: %w", head.Kind, head.Metadata.Name, err)
		}
		out[head.Kind+" "+head.Metadata.Name] = object
	}
	return out, nil
}

func kubernetes(t *testing.T) (objects map[string]any, text string) {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, "deploy", "kubernetes.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if objects, err = manifest(string(data)); err != nil {
		t.Fatal(err)
	}
	return objects, string(data)
}

// pods are the templates of a manifest, by name.
func pods(objects map[string]any) map[string]corev1.PodSpec {
	out := map[string]corev1.PodSpec{}
	for name, o := range objects {
		switch o := o.(type) {
		case *appsv1.Deployment:
			out[name] = o.Spec.Template.Spec
		case *batchv1.Job:
			out[name] = o.Spec.Template.Spec
		}
	}
	return out
}

// The objects of the manifest are whole, refer to each other, and ask for commands that there
// are; pods write nowhere but into the workspace.
func TestKubernetes(t *testing.T) {
	objects, text := kubernetes(t)
	if len(objects) != 6 {
		t.Errorf("%d objects", len(objects))
	}
	serve := objects["Deployment rowlink-serve"].(*appsv1.Deployment)
	for name, selector := range map[string]map[string]string{"service": objects["Service rowlink"].(*corev1.Service).Spec.Selector,
		"budget": objects["PodDisruptionBudget rowlink-serve"].(*policyv1.PodDisruptionBudget).Spec.Selector.MatchLabels} {
		for k, v := range selector {
			if serve.Spec.Template.Labels[k] != v {
				t.Errorf("the %s selects %s=%s, which the servers' pods do not have", name, k, v)
			}
		}
	}
	for name, o := range objects {
		if d, ok := o.(*appsv1.Deployment); ok {
			for k, v := range d.Spec.Selector.MatchLabels {
				if d.Spec.Template.Labels[k] != v {
					t.Errorf("%s does not select its own pods: %s=%s", name, k, v)
				}
			}
		}
	}
	job := objects["Job rowlink-batch"].(*batchv1.Job)
	if of := fmt.Sprintf("--of=%d", *job.Spec.Completions); *job.Spec.CompletionMode != batchv1.IndexedCompletion || !slices.Contains(job.Spec.Template.Spec.Containers[0].Args, of) {
		t.Errorf("the job is %s and lacks %s", *job.Spec.CompletionMode, of)
	}
	for name, pod := range pods(objects) {
		c := pod.Containers[0]
		switch {
		case pod.SecurityContext == nil || !*pod.SecurityContext.RunAsNonRoot || !*c.SecurityContext.ReadOnlyRootFilesystem || *c.SecurityContext.AllowPrivilegeEscalation:
			t.Errorf("%s may write or become root", name)
		case c.Resources.Limits.Memory().IsZero() || c.Resources.Requests.Cpu().IsZero():
			t.Errorf("%s has no limits", name)
		case len(pod.Volumes) != 1 || pod.Volumes[0].PersistentVolumeClaim.ClaimName != "rowlink" || c.VolumeMounts[0].Name != pod.Volumes[0].Name || c.VolumeMounts[0].MountPath != "/work":
			t.Errorf("%s has no workspace", name)
		}
		knownArgs(t, name, c)
	}
	if c := serve.Spec.Template.Spec.Containers[0]; c.ReadinessProbe.HTTPGet.Path != "/readyz" || c.LivenessProbe.HTTPGet.Path != "/healthz" || c.StartupProbe == nil {
		t.Errorf("probes: %+v", c)
	}
	for _, wrong := range []string{"replicas: three", "replica: 3", "replicas: 3\n  restartPolicy: Never"} {
		if _, err := manifest(strings.Replace(text, "replicas: 3", wrong, 1)); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}

var reference = regexp.MustCompile(`\$\((\w+)\)`)

// knownArgs holds the arguments of a container to the help pages, and their variables to its
// environment.
func knownArgs(t *testing.T, name string, c corev1.Container) {
	t.Helper()
	help, err := os.ReadFile(filepath.Join(root, "cmd", "rowlink", "testdata", "help", c.Args[0]+".txt"))
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
	for _, arg := range c.Args[1:] {
		if flag, _, _ := strings.Cut(arg, "="); strings.HasPrefix(flag, "--") && !strings.Contains(string(help), flag+" ") {
			t.Errorf("%s: rowlink %s has no %s", name, c.Args[0], flag)
		}
		for _, m := range reference.FindAllStringSubmatch(arg, -1) {
			if !slices.ContainsFunc(c.Env, func(e corev1.EnvVar) bool { return e.Name == m[1] }) {
				t.Errorf("%s: %s is not in the environment", name, m[1])
			}
		}
	}
}
