<?php

declare(strict_types=1);

namespace Upline\Commission\Controller\Adminhtml\Status;

use Magento\Backend\App\Action;
use Magento\Backend\Model\Auth\Session;
use Magento\Framework\App\Action\HttpPostActionInterface;
use Magento\Framework\Controller\ResultFactory;
use Magento\Framework\Controller\ResultInterface;
use Upline\Commission\Model\Connection;
use Upline\Commission\Model\Server;

/**
 * Opens Upline for whoever is signed in here, by a code that works once and for a minute.
 */
class Open extends Action implements HttpPostActionInterface
{
    public const ADMIN_RESOURCE = 'Upline_Commission::view';

    /**
     * @param Action\Context $context
     * @param Server $server
     * @param Connection $connection
     * @param Session $session
     */
    public function __construct(
        Action\Context $context,
        private readonly Server $server,
        private readonly Connection $connection,
        private readonly Session $session
    ) {
        parent::__construct($context);
    }

    /**
     * @inheritDoc
     */
    public function execute(): ResultInterface
    {
        $connection = $this->connection->of(max(0, (int) $this->getRequest()->getParam('website')));
        $response = $this->server->call('sso', [
            'audience' => 'merchant',
            'user_id' => (string) $this->session->getUser()?->getId(),
            'next' => (string) $this->getRequest()->getParam('next', '/'),
        ], 5.0, $connection);
        $redirect = $this->resultFactory->create(ResultFactory::TYPE_REDIRECT);
        $url = (string) ($response->data['url'] ?? '');
        // Nobody is sent to another server than the one that is connected.
        if ($response->status === 200 && str_starts_with($url, $connection->get('server') . '/')) {
            $redirect->setHeader('Cache-Control', 'no-store', true);
            $redirect->setHeader('Referrer-Policy', 'no-referrer', true);
            return $redirect->setUrl($url);
        }
        $this->messageManager->addErrorMessage(
            (string) __('Upline could not be opened: %1', $response->detail ?: __('it did not answer'))
        );
        return $redirect->setPath('upline/status/index');
    }
}
