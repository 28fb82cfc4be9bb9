<?php

declare(strict_types=1);

namespace Upline\Commission\Test\Unit\Domain;

use PHPUnit\Framework\TestCase;
use Upline\Commission\Domain\Invitation;

/**
 * What a merchant pastes.
 */
final class InvitationTest extends TestCase
{
    private const CODE = 'AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE';

    public function testGoodOnes(): void
    {
        foreach (
            [
                'https://upline.example.com' => 'https://upline.example.com',
                ' upline.example.com/ ' => 'https://upline.example.com',
                'https://upline.example.com:8443/' => 'https://upline.example.com:8443',
                'http://127.0.0.1:8080' => 'http://127.0.0.1:8080',
                'http://localhost:8080' => 'http://localhost:8080',
                'http://upline.test' => 'http://upline.test',
            ] as $server => $want
        ) {
            $invitation = Invitation::read($server, ' ' . substr(self::CODE, 0, 20) . "\n" . substr(self::CODE, 20));
            self::assertSame($want, $invitation->server);
            self::assertSame(
                $want . '/install/magento/' . self::CODE . '?install_id=ab%26c&website_id=2',
                $invitation->endpoint('ab&c', 2)
            );
            self::assertSame($want . '/connect/magento/identity', $invitation->identityLink());
        }
    }

    public function testBadOnesAreNamed(): void
    {
        foreach (
            [
                ['', self::CODE, 'server address'],
                ['https://', self::CODE, 'server address'],
                ['http://upline.example.com', self::CODE, 'https'],
                ['http://8.8.8.8', self::CODE, 'https'],
                ['https://upline.example.com/path', self::CODE, 'server address'],
                ['https://upline.example.com?a=b', self::CODE, 'server address'],
                ['https://me:pw@upline.example.com', self::CODE, 'server address'],
                ['ftp://upline.example.com', self::CODE, 'server address'],
                ['javascript:alert(1)', self::CODE, 'server address'],
                ['https://upline.example.com', '', 'code'],
                ['https://upline.example.com', self::CODE . 'x', 'code'],
                ['https://upline.example.com', substr(self::CODE, 1) . '/', 'code'],
            ] as [$server, $code, $want]
        ) {
            try {
                Invitation::read($server, $code);
                self::fail("$server $code was taken");
            } catch (\InvalidArgumentException $fault) {
                self::assertStringContainsString($want, $fault->getMessage(), "$server $code");
            }
        }
    }
}
