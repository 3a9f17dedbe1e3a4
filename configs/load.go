package configs

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/go-viper/mapstructure/v2"
	"github.com/spf13/viper"
	"go.yaml.in/yaml/v3"
)

// Load returns the checked settings of a run. From weak to strong: the defaults
// in code, the file at path (over the file it extends), the FSDFM_SECTION_KEY
// variables in env (as from os.Environ), the "key=value" texts in overrides (as
// from -set). An empty path means no file.
//
// The error lists every problem, one a line: all those of the files, variables
// and overrides, or else all those that Validate finds.
func Load(path string, overrides, env []string) (Config, error) {
	var files []file
	var problems []error
	if path != "" {
		var err error
		files, err = readFiles(path)
		problems = append(problems, err)
	}
	fromEnv, envProblems := readEnv(env)
	fromSet, setProblems := readOverrides(overrides)
	if err := errors.Join(append(append(problems, envProblems...), setProblems...)...); err != nil {
		return Config{}, err
	}
	c, err := resolve(files, fromEnv, fromSet)
	if err != nil {
		return Config{}, fmt.Errorf("putting the settings together: %w", err)
	}
	if err := c.Validate(); err != nil {
		if path != "" {
			err = errors.Join(prefixed(path+": ", err)...)
		}
		return Config{}, err
	}
	return c, nil
}

// resolve lets viper lay the settings over each other. All values have passed
// the strict reading and carry their exact types, so viper's own conversions,
// which take 8.7 for 8 and true for 1, are switched off.
func resolve(files []file, fromEnv, fromSet map[string]any) (Config, error) {
	v := viper.New()
	defaults := Default()
	for _, k := range keys.list {
		v.SetDefault(k.path, k.in(&defaults).Interface())
	}
	for _, f := range files {
		if err := v.MergeConfigMap(f.values); err != nil {
			return Config{}, err
		}
	}
	if err := v.MergeConfigMap(fromEnv); err != nil {
		return Config{}, err
	}
	for path, value := range fromSet {
		v.Set(path, value)
	}
	var c Config
	err := v.UnmarshalExact(&c, func(d *mapstructure.DecoderConfig) {
		d.WeaklyTypedInput = false
		d.DecodeHook = nil
	})
	return c, err
}

// Marshal returns the settings as a run file, all keys written out. Loading it
// gives an equal Config.
func (c Config) Marshal() ([]byte, error) {
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := errors.Join(e.Encode(c), e.Close()); err != nil {
		return nil, fmt.Errorf("writing the settings as YAML: %w", err)
	}
	return b.Bytes(), nil
}
