<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit;

use PHPUnit\Framework\TestCase;
use Upline\Commission\Domain\Module;

/**
 * What Magento would only say at setup:di:compile, or never: that XML names what exists, and that the module keeps its
 * own rules.
 */
class ModuleTest extends TestCase
{
    private const ROOT = __DIR__ . '/../..';

    /**
     * The module's files with an extension, without those of the tests.
     *
     * @param string $extension
     * @param string $under
     * @return string[] paths within the module
     */
    private static function files(string $extension, string $under = ''): array
    {
        $root = (string) realpath(self::ROOT);
        $found = [];
        $all = new \RecursiveIteratorIterator(
            new \RecursiveDirectoryIterator($root . $under, \FilesystemIterator::SKIP_DOTS)
        );
        foreach ($all as $file) {
            $path = substr((string) $file, strlen($root) + 1);
            if ($file->getExtension() === $extension && !str_starts_with($path, 'Test/')) {
                $found[] = $path;
            }
        }
        sort($found);
        return $found;
    }

    private static function text(string $path): string
    {
        return (string) file_get_contents(self::ROOT . '/' . $path);
    }

    private static function xml(string $path): \SimpleXMLElement
    {
        libxml_use_internal_errors(true);
        $xml = simplexml_load_file(self::ROOT . '/' . $path);
        self::assertNotFalse($xml, $path . ' is not well-formed: ' . json_encode(libxml_get_errors()));
        return $xml;
    }

    public function testXmlIsWellFormed(): void
    {
        $files = self::files('xml');
        self::assertGreaterThan(8, count($files));
        foreach ($files as $path) {
            self::xml($path);
        }
    }

    public function testClassesNamedInXmlExist(): void
    {
        $named = 0;
        foreach (self::files('xml') as $path) {
            preg_match_all('/Upline\\\\Commission\\\\[A-Za-z\\\\]+/', self::text($path), $found);
            foreach (array_unique($found[0]) as $class) {
                $named++;
                $class = (string) preg_replace('/(\\\\Proxy|Factory|\\\\Interceptor)$/', '', $class);
                $file = str_replace(['Upline\\Commission\\', '\\'], ['', '/'], $class) . '.php';
                $virtual = str_contains(self::text('etc/di.xml'), '<virtualType name="' . $class . '"')
                    || (is_file(self::ROOT . '/etc/adminhtml/di.xml')
                    && str_contains(self::text('etc/adminhtml/di.xml'), '<virtualType name="' . $class . '"'));
                self::assertTrue($virtual || is_file(self::ROOT . '/' . $file), "$path names $class, which is not there");
            }
        }
        self::assertGreaterThan(10, $named);
    }

    /**
     * Constructors name classes too; a name without its "use" is only missed when it is needed.
     */
    public function testOwnClassesThatAreUsedExist(): void
    {
        $used = 0;
        foreach (self::files('php') as $path) {
            preg_match_all('/^use (Upline\\\\Commission\\\\[A-Za-z\\\\]+)/m', self::text($path), $found);
            foreach ($found[1] as $class) {
                $used++;
                $class = (string) preg_replace('/Factory$/', '', $class);
                $file = str_replace(['Upline\\Commission\\', '\\'], ['', '/'], $class) . '.php';
                self::assertFileExists(self::ROOT . '/' . $file, "$path uses $class");
            }
        }
        self::assertGreaterThan(20, $used);
    }

    public function testNamespacesFollowFolders(): void
    {
        foreach (self::files('php') as $path) {
            if ($path === 'registration.php') {
                continue;
            }
            $folder = dirname($path) === '.' ? '' : '\\' . str_replace('/', '\\', dirname($path));
            self::assertStringContainsString('namespace Upline\\Commission' . $folder . ';', self::text($path), $path);
            self::assertMatchesRegularExpression(
                '/^(abstract |final )?(class|interface|trait|enum) ' . basename($path, '.php') . '\b/m',
                self::text($path),
                $path
            );
            self::assertStringContainsString('declare(strict_types=1);', self::text($path), $path);
        }
    }

    public function testAclIdsThatAreNamedExist(): void
    {
        preg_match_all('/resource id="(Upline_Commission::[a-z_]+)"/', self::text('etc/acl.xml'), $found);
        $known = $found[1];
        self::assertContains('Upline_Commission::api', $known);
        $named = 0;
        foreach (array_merge(self::files('xml'), self::files('php')) as $path) {
            $pattern = '/(?:<resource ref="|resource="|<resource>|aclResource>|ADMIN_RESOURCE = \'|isAllowed\(\')'
                . '(Upline_Commission::[a-z_]+)/';
            preg_match_all($pattern, self::text($path), $found);
            foreach ($found[1] as $id) {
                $named++;
                self::assertContains($id, $known, "$path names $id");
            }
        }
        self::assertGreaterThan(0, $named);
    }

    public function testDomainKnowsNothingOfMagento(): void
    {
        $files = self::files('php', '/Domain');
        self::assertGreaterThan(7, count($files));
        foreach ($files as $path) {
            self::assertStringNotContainsString('Magento\\Framework', self::text($path), $path);
            self::assertDoesNotMatchRegularExpression('/^use (?!Upline\\\\Commission\\\\Domain)/m', self::text($path), $path);
            self::assertDoesNotMatchRegularExpression('/\\\\Magento\\\\|new Magento/', self::text($path), $path);
        }
    }

    /**
     * Orders are changed by the storefront, the admin, REST, GraphQL and cron.
     */
    public function testObserversAreGlobal(): void
    {
        self::assertFileExists(self::ROOT . '/etc/events.xml');
        self::assertSame([], glob(self::ROOT . '/etc/*/events.xml'));
    }

    /**
     * A table of the whitelist is dropped by module:disable and setup:upgrade.
     */
    public function testNoTableIsInAWhitelist(): void
    {
        $whitelist = self::ROOT . '/etc/db_schema_whitelist.json';
        $listed = is_file($whitelist) ? json_decode((string) file_get_contents($whitelist), true) : [];
        self::assertSame([], $listed);
    }

    public function testUninstallDropsEveryTable(): void
    {
        foreach (self::xml('etc/db_schema.xml')->table as $table) {
            $row = "'" . $table['name'] . "' => '" . $table['resource'] . "'";
            self::assertStringContainsString($row, self::text('Setup/Uninstall.php'));
        }
        self::assertCount(5, self::xml('etc/db_schema.xml')->table);
    }

    public function testComposer(): void
    {
        $composer = json_decode(self::text('composer.json'), true, 512, JSON_THROW_ON_ERROR);
        self::assertSame('upline/module-commission', $composer['name']);
        self::assertSame('magento2-module', $composer['type']);
        self::assertArrayNotHasKey('version', $composer);
        self::assertSame('~8.2.0 || ~8.3.0 || ~8.4.0 || ~8.5.0', $composer['require']['php']);
        self::assertMatchesRegularExpression('/^\d+\.\d+\.\d+$/', Module::VERSION);
        self::assertStringContainsString('/Test export-ignore', self::text('.gitattributes'));
    }

    /**
     * Each module whose classes are used is required, and its loading awaited.
     */
    public function testModulesThatAreUsedAreRequired(): void
    {
        $composer = json_decode(self::text('composer.json'), true, 512, JSON_THROW_ON_ERROR);
        foreach (self::files('php') as $path) {
            preg_match_all('/^use Magento\\\\([A-Za-z]+)\\\\/m', self::text($path), $found);
            foreach (array_diff(array_unique($found[1]), ['Framework']) as $name) {
                $package = 'magento/module-' . strtolower((string) preg_replace('/(?<!^)[A-Z]/', '-$0', $name));
                self::assertArrayHasKey($package, $composer['require'], "$path uses $package");
            }
        }
        foreach (array_keys($composer['require']) as $package) {
            if (str_starts_with($package, 'magento/module-')) {
                $name = 'Magento_' . str_replace('-', '', ucwords(substr($package, strlen('magento/module-')), '-'));
                self::assertStringContainsString("<module name=\"$name\"/>", self::text('etc/module.xml'));
            }
        }
    }

    /**
     * PHP 8.4 refuses to compile what is implicitly nullable, and core is rid of the rest.
     */
    public function testNothingThatNewerVersionsRefuse(): void
    {
        foreach (self::files('php') as $path) {
            $text = self::text($path);
            self::assertDoesNotMatchRegularExpression('/[(,]\s*[A-Za-z\\\\]+ \$\w+ = null/', $text, $path);
            self::assertDoesNotMatchRegularExpression('/\bZend_|Laminas\\\\Mvc|ObjectManager::getInstance/', $text, $path);
            self::assertDoesNotMatchRegularExpression('/\breadonly class\b/', $text, $path . ': it cannot be intercepted');
        }
    }

    /**
     * Around pages of the account Magento asks who it is, and answers strangers with null: a type would make that a 500.
     */
    public function testPagesOfTheAccountDeclareNoType(): void
    {
        $pages = 0;
        foreach (self::files('php', '/Controller') as $path) {
            if (str_contains(self::text($path), 'implements AccountInterface')) {
                $pages++;
                self::assertDoesNotMatchRegularExpression('/function execute\(\)\s*:/', self::text($path), $path);
            }
        }
        self::assertSame(1, $pages);
    }

    /**
     * Cached pages never run PHP of ours: the script is their whole cost, and less than 3 kB of it.
     */
    public function testReferralScriptIsSmallAndPlain(): void
    {
        $script = self::text('view/frontend/web/js/referral.js');
        self::assertLessThan(3072, strlen((string) gzencode($script, 6)));
        self::assertDoesNotMatchRegularExpression('/\b(require|define|jQuery|eval)\s*\(|innerHTML|\$\(/', $script);
    }

    /**
     * Web APIs answer in the shape that docblocks give, which have to name types in full.
     */
    public function testWebApisHaveDocblocksInFull(): void
    {
        foreach (self::files('php', '/Api') as $path) {
            preg_match_all('/@(?:param|return) (\S+)/', self::text($path), $found);
            foreach ($found[1] as $type) {
                self::assertMatchesRegularExpression(
                    '/^(\\\\[A-Za-z\\\\]+|string|int|bool|float|void|\$this)(\[\])?(\|null)?$/',
                    $type,
                    $path
                );
            }
            preg_match_all('/public function (\w+)/', self::text($path), $methods);
            self::assertSame(
                count($methods[1]),
                substr_count(self::text($path), '@return'),
                $path . ' says of each method what it returns'
            );
        }
    }
}
